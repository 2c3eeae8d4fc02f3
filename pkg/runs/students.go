package runs

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Roster says how the students of a run were looked up.
type Roster struct {
	Digest  string           `json:"digest"`  // of the students
	Read    time.Time        `json:"read"`    // from the target or a file
	Systems []string         `json:"systems"` // in which ids were looked up, in this order
	Inputs  []StudentMatches `json:"inputs,omitempty"`
}

// StudentMatches is how the rows of an input were matched that needed a student.
type StudentMatches struct {
	Input    string              `json:"input"`
	Columns  []StudentColumn     `json:"columns"`         // that were asked
	NoIDs    []string            `json:"noIds,omitempty"` // texts in them that stand for nothing
	Chosen   *StudentChoice      `json:"chosen,omitempty"`
	Rows     int64               `json:"rows"`
	Matched  int64               `json:"matched"`
	Repaired int64               `json:"repaired,omitempty"` // of these
	By       []MatchedBy         `json:"by"`
	Refused  map[diag.Code]int64 `json:"refused,omitempty"` // rows
}

// MatchedBy is how many rows were matched by a column and a system, the first ones of each row.
type MatchedBy struct {
	Column string `json:"column"` // header
	System string `json:"system"`
	Rows   int64  `json:"rows"`
}

// StudentChoice is the column and the system that were chosen by what matches: of how many distinct ids how many
// were known, then and in this run.
type StudentChoice struct {
	Column   string `json:"column"` // header
	System   string `json:"system"`
	Chosen   string `json:"chosen"` // the day
	Of       int64  `json:"of"`
	Known    int64  `json:"known"`
	OfNow    int64  `json:"ofNow"`
	KnownNow int64  `json:"knownNow"`
}

func percent(part, of int64) string {
	if of == 0 {
		return "0%"
	}
	return fmt.Sprintf("%g%%", float64(part*1000/of)/10) // rounded down: what did not match is not rounded away
}

// Says is how the students were matched, a line for each thing to know.
func (r *Roster) Says() (all []string) {
	if r == nil {
		return nil
	}
	for _, in := range r.Inputs {
		line := fmt.Sprintf("students of %s: the roster knows those of %d of %s (%s)", in.Input, in.Matched, diag.Counted(int(in.Rows), "row", "rows"), percent(in.Matched, in.Rows))
		var by []string
		for _, b := range in.By {
			by = append(by, fmt.Sprintf("%s as %s %d", b.Column, b.System, b.Rows))
		}
		if len(by) > 0 {
			line += ": " + strings.Join(by, ", ")
		}
		if in.Repaired > 0 {
			line += fmt.Sprintf("; %d after repairs", in.Repaired)
		}
		all = append(all, line)
		if c := in.Chosen; c != nil {
			line = fmt.Sprintf("chosen by what matches on %s: %s as %s, %s of %s", c.Chosen, c.Column, c.System, percent(c.Known, c.Of), diag.Counted(int(c.Of), "id", "ids"))
			if c.OfNow > 0 {
				line += fmt.Sprintf(" then, %s of %d now", percent(c.KnownNow, c.OfNow), c.OfNow)
			}
			all = append(all, line)
		}
	}
	return all
}
