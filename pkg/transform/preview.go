package transform

import (
	"bytes"
	"encoding/json"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// Preview is a sink that keeps in memory what each row gives: with Options.Rows, of the first rows.
// Records that are no row's, those of tables and of the vendor's descriptors, are not kept.
type Preview struct {
	Rows     []PreviewRow // in the order of the inputs
	Problems diag.List

	records map[string][]PreviewRecord // by origin
}

// PreviewRow is a row, what became of it, and its records.
type PreviewRow struct {
	Input   string          `json:"input"`
	File    string          `json:"file"`
	Line    int64           `json:"line"`
	Became  RowFate         `json:"outcome"`
	Records []PreviewRecord `json:"-"`

	origin string
}

// PreviewRecord is a record, with the row that it comes from.
type PreviewRecord struct {
	Input    string          `json:"input"`
	File     string          `json:"file"`
	Line     int64           `json:"line"`
	Resource string          `json:"resource"`
	Record   json.RawMessage `json:"record"` // on one line
}

// Begin starts with nothing.
func (v *Preview) Begin() error {
	*v = Preview{records: map[string][]PreviewRecord{}}
	return nil
}

// Row keeps a row.
func (v *Preview) Row(at mapping.Place, line int64, became RowFate) error {
	v.Rows = append(v.Rows, PreviewRow{Input: at.Input, File: at.File, Line: line, Became: became, origin: string(at.Origin(nil, line))})
	return nil
}

// Staged keeps records until their rows are known.
func (v *Preview) Staged(resource string, l Lines) error {
	records, origins := bytes.Lines(l.Records), bytes.Split(l.Origins, []byte("\n"))
	i := 0
	for record := range records {
		origin := string(origins[i])
		v.records[origin] = append(v.records[origin], PreviewRecord{Resource: resource, Record: bytes.Clone(bytes.TrimSpace(record))})
		i++
	}
	return nil
}

// Problem keeps a problem.
func (v *Preview) Problem(p diag.Problem) error {
	p.RejectLine = 0 // there is no file of rejects
	v.Problems = append(v.Problems, p)
	return nil
}

// Commit gives the rows their records.
func (v *Preview) Commit(*Result) error {
	for i := range v.Rows {
		row := &v.Rows[i]
		row.Records = v.records[row.origin]
		for k := range row.Records {
			r := &row.Records[k]
			r.Input, r.File, r.Line = row.Input, row.File, row.Line
		}
	}
	return nil
}

// Rejected, Unmapped and Mapped keep nothing: a problem tells of each.
func (v *Preview) Rejected(*RejectFile, string) error { return nil }
func (v *Preview) Unmapped(Unmapped) error            { return nil }
func (v *Preview) Mapped(Mapped) error                { return nil }

// Close has nothing to give back.
func (v *Preview) Close() error { return nil }
