package report

import (
	"encoding/csv"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Missing is a row that a table lacks, from unmapped.csv.
type Missing struct {
	File    string `json:"file"`              // that it belongs into
	Header  string `json:"header"`            // the first line of that file
	Row     string `json:"row"`               // to complete and to paste
	Allowed string `json:"allowed,omitempty"` // what its empty cells may hold
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
			row[name] = cells[i]
		}
		for _, v := range shown[row["value"]] {
			if v.Missing == nil {
				v.Nearest, v.Missing = row["nearest"], &Missing{File: row["file"], Header: row["header"], Row: row["row"], Allowed: row["allowed"]}
			}
		}
	}
}
