package runs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// SameEvent is a staged result that the target seems to hold under another identifier: a row of
// problems/same-events.csv.
type SameEvent struct {
	StagedLine int      `json:"stagedLine"`
	Student    string   `json:"studentUniqueId"`
	Assessment string   `json:"assessmentIdentifier"`
	Namespace  string   `json:"namespace"`
	Identifier string   `json:"identifier"` // as staged
	AtTarget   []string `json:"atTarget"`   // one, or those among which a person decides
	Why        string   `json:"why"`        // what speaks for it; empty: a person decides
	From       string   `json:"from"`       // who brought it there: here, or others
	Sure       bool     `json:"sure"`       // its key was corrected: it keeps its identifier without a person
}

const sameEventsFile = "same-events"

// NewSameEvents begins the list.
func (r *Run) NewSameEvents() (*Listing, error) {
	if err := durable.MkdirAll(r.File("problems")); err != nil {
		return nil, unwritable(err, r.Path)
	}
	l, err := NewListing(r.File("problems", sameEventsFile), "stagedLine", "studentUniqueId", "assessmentIdentifier", "namespace", "identifier",
		"atTarget", "why", "from")
	return l, unwritable(err, r.Path)
}

// Cells are those of the list for people.
func (e *SameEvent) Cells() []string {
	why := e.Why
	if why == "" {
		why = "for a person to decide"
	}
	return []string{strconv.Itoa(e.StagedLine), e.Student, e.Assessment, e.Namespace, e.Identifier, strings.Join(e.AtTarget, "; "), why, e.From}
}

// SameEvents is what validate listed; none if it found nothing.
func (r *Run) SameEvents() (all []SameEvent, err error) {
	err = jsonl.Each(r.File("problems", sameEventsFile+".jsonl"), func(line jsonl.Line) error {
		var e SameEvent
		if err := json.Unmarshal(line.Text, &e); err != nil {
			return diag.Fail(diag.Usage, diag.ConfigRun, "Run validate again.", "line %d of problems/%s.jsonl is damaged", line.Number, sameEventsFile)
		}
		all = append(all, e)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

// SameEventCounts is how many results the target seems to hold under other identifiers.
type SameEventCounts struct {
	Others    int64 `json:"others"`    // brought by other loaders
	Corrected int64 `json:"corrected"` // loaded from here before a part of their key was corrected
	Sure      int64 `json:"sure"`      // of these: they keep their identifiers without a person
	Undecided int64 `json:"undecided"` // a person decides
}

// Count counts one.
func (c *SameEventCounts) Count(e SameEvent) {
	switch {
	case e.Why == "":
		c.Undecided++
	case e.From == "here":
		c.Corrected++
	default:
		c.Others++
	}
	if e.Sure {
		c.Sure++
	}
}
