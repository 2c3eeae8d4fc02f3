package report

import (
	"encoding/csv"
	"os"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Missing is a row that a table lacks, from unmapped.csv.
type Missing struct {
	File    string `json:"file"`              // that it belongs into
	Header  string `json:"header"`            // the first line of that file
	Row     string `json:"row"`               // to complete and to paste
	Allowed string `json:"allowed,omitempty"` // what cells of the row may hold, a column to a line
}

// unmarked is a cell without the mark that keeps a spreadsheet from taking it for a formula.
func unmarked(cell string) string {
	if text, ok := strings.CutPrefix(cell, "'"); ok && runs.TextCells([]string{text})[0] == cell {
		return text
	}
	return cell
}

// addMissing puts the rows of unmapped.csv beside the values that are shown. One that cannot be read has none.
func (rep *Report) addMissing(r *runs.Run) {
	shown := map[string][]*Value{}
	for i := range rep.Problems {
		for j := range rep.Problems[i].Values {
			if v := &rep.Problems[i].Values[j]; rep.Problems[i].Code == diag.Unmapped {
				cell := runs.TextCells([]string{v.Value})[0]
				shown[cell] = append(shown[cell], v)
			}
		}
	}
	if len(shown) == 0 {
		return
	}
	f, err := os.Open(r.File("unmapped.csv"))
	if err != nil {
		return
	}
	defer f.Close()
	all := csv.NewReader(f)
	header, err := all.Read()
	if err != nil {
		return
	}
	for {
		cells, err := all.Read()
		if err != nil {
			return
		}
		row := map[string]string{}
		for i, name := range header {
			row[name] = unmarked(cells[i])
		}
		for _, v := range shown[runs.TextCells([]string{row["value"]})[0]] {
			if v.Missing == nil && (v.table == "" || v.table == row["lookup"]) {
				v.Nearest, v.Missing = row["nearest"], &Missing{File: row["file"], Header: row["header"], Row: row["row"], Allowed: row["allowed"]}
			}
		}
	}
}
