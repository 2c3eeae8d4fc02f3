package runs

import (
	"errors"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Stop says why the last command that worked on a run stopped before its end. It holds no student's
// data; what is wrong line by line stands among the problems of the stage.
type Stop struct {
	Stage   string    `json:"stage"`
	Code    diag.Code `json:"code"`
	Message string    `json:"message"`
	Next    string    `json:"next,omitempty"`
	At      time.Time `json:"at"`
}

// StopAt records in the manifest and among the stage's problems why it could not go on, so that a run
// that nobody watched says it too.
func (r *Run) StopAt(stage string, now time.Time, e *diag.Error) error {
	r.Next = nil
	r.Stopped = &Stop{stage, e.Code, e.Error(), e.Advice(), now.UTC()}
	return errors.Join(r.addProblems(stage, e.List()), r.Save())
}

// addProblems lists more problems after those that the stage listed before.
func (r *Run) addProblems(stage string, more diag.List) error {
	p, err := r.NewProblems(stage)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // a list that was committed is closed already
	var failed error
	add := func(d diag.Problem) {
		if failed == nil {
			failed = p.Add(d)
		}
	}
	if err := r.EachProblem(stage, add); err != nil {
		return err
	}
	for _, d := range more {
		add(d)
	}
	if failed != nil {
		return unwritable(failed, r.Path)
	}
	return unwritable(p.Commit(), r.Path)
}
