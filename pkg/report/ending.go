package report

import (
	"strings"

	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Ending is what a run came to, as lists of runs say it.
type Ending struct {
	State    string  `json:"state"`   // done, partly, stopped, unfinished
	Outcome  string  `json:"outcome"` // in words
	Read     int64   `json:"read"`    // rows
	Rejected int64   `json:"rejected"`
	Loaded   int64   `json:"loaded"` // records that the target held when the run ended
	Behind   int64   `json:"behind"` // records that were to be loaded and were not
	Seconds  float64 `json:"seconds"`
}

// EndingOf is what a run came to.
func EndingOf(r *runs.Run) Ending {
	l := listRun(r)
	word := strings.ToLower(l.Headline.Word[:1]) + l.Headline.Word[1:]
	return Ending{l.Headline.State, word, l.Read, l.Rejected, l.Loaded, l.Behind, l.Seconds}
}
