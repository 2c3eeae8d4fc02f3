package mapping

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
)

// TableRecord is a record that a table of the bundle gives: it is made before any row is read.
type TableRecord struct {
	RecordResult
	File      string // of the table
	Text      []byte // with its line end
	Origin    string
	Decisions []Decision
}

// TableRecords is the records that tables give, in the order of the bundle.
func (p *Program) TableRecords() []TableRecord { return p.records }

// stageTables makes the records of tables; one that would reject is a problem.
func (c *compiler) stageTables() {
	p := c.program
	r := NewWorker(p.tablePlan, Place{Input: "tables"}, nil)
	r.out = &Batch{}
	known := map[keyset.Key]uint64{} // contents by natural key
	for _, u := range p.tablePlan.units {
		if c.stopped() {
			return
		}
		if u.broken {
			continue
		}
		r.begin(int64(u.pos.Line), nil)
		r.out.Problems = r.out.Problems[:0]
		c.stageTable(r, u, known)
		for _, d := range r.out.Problems {
			where := ""
			if d.Path != "" {
				where = d.Path + ": "
			}
			c.add(u.pos, diag.BundleRecord, d.Fix, "%s: %s%s", d.Resource, where, d.Message)
		}
	}
}

// stageTable makes the record of one row of a table.
func (c *compiler) stageTable(r *Worker, u *unit, known map[keyset.Key]uint64) {
	r.resource, r.faults = u.source.name, 0
	if !r.wanted(u) {
		return
	}
	text, h, ok := r.make(u, nil)
	if !ok {
		return
	}
	if content, ok := known[h.Key]; ok && content != h.Content {
		r.list(diag.Problem{Resource: r.resource, Message: "an earlier row gives a record with the same natural key (" + r.keyText(u, text) + "), but different content"})
		return
	}
	known[h.Key] = h.Content
	record := TableRecord{Text: text, File: u.pos.File, Origin: c.program.Origin(u.pos),
		RecordResult: RecordResult{Resource: u.source.resource, Rule: u.source.rule, Hash: h, Key: r.keyText(u, text), Line: int64(u.pos.Line)}}
	for _, id := range r.log {
		record.Decisions = append(record.Decisions, *r.plan.decisions[id])
	}
	c.program.records = append(c.program.records, record)
}

// Origin is where a record comes from that no row gives: file:line of the bundle, whose folder is left
// out, however it was written.
func (p *Program) Origin(pos diag.Pos) string {
	pos.File = strings.TrimPrefix(pos.File, path.Clean(p.Bundle.Path)+"/")
	return pos.Rule()
}

// jsonText is the text of a JSON string or number, for people.
func jsonText(text []byte) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return string(bytes.TrimSpace(text))
}
