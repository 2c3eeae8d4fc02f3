package report

import (
	"fmt"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Remark is a sentence of the verdict on a run, and the file of the run that says more; "" if none does.
type Remark struct {
	Text  string `json:"text"`
	File  string `json:"file,omitempty"`
	Total bool   `json:"total,omitempty"` // it says what was done out of what; the others say what stayed behind
}

// verdict says what a run came to: what is loaded out of what, then what stayed behind and why.
func (rep *Report) verdict(r *runs.Run) []Remark {
	var all []Remark
	add := func(n int64, one, more, file string) {
		if n == 0 {
			return
		}
		if _, err := os.Stat(r.File(file)); err != nil {
			file = ""
		}
		all = append(all, Remark{Text: diag.Counted(int(n), one, more), File: file})
	}
	for _, s := range rep.Stages {
		switch c := s.Counts.(type) {
		case *runs.TransformCounts:
			sum := sumOf(c.Inputs, func(t *runs.InputCounts, in runs.InputCounts) {
				t.Read, t.Used, t.Rejected, t.Unmatched = t.Read+in.Read, t.Used+in.Used, t.Rejected+in.Rejected, t.Unmatched+in.Unmatched
			})
			if sum.Read > 0 || r.Finished(runs.Transform) { // else it was stopped before the first row
				all = append(all, Remark{Text: fmt.Sprintf("%d of %d rows gave records", sum.Used, sum.Read), Total: true})
			}
			add(sum.Rejected, "row was rejected", "rows were rejected", "problems/transform.csv")
			add(sum.Unmatched, "row is of a student who is not known", "rows are of students who are not known", "problems/transform.csv")
			unmapped, more := rep.unmapped()
			add(unmapped, "value has no mapping", "values have no mapping", "unmapped.csv")
			if more {
				last := &all[len(all)-1]
				last.Text = "at least " + last.Text
			}
		case *runs.ValidateCounts:
			sum := sumOf(c.Resources, func(t *runs.Verdicts, v runs.Verdicts) {
				t.Staged, t.Valid = t.Staged+v.Staged, t.Valid+v.Valid
				t.Invalid, t.Unchecked, t.Marked = t.Invalid+v.Invalid, t.Unchecked+v.Unchecked, t.Marked+v.Marked
			})
			if rep.Stage(runs.Send) == nil && r.Finished(runs.Validate) {
				all = append(all, Remark{Text: fmt.Sprintf("%d of %d records passed", sum.Valid-sum.Marked, sum.Staged), Total: true})
			}
			add(sum.Invalid, "record is not valid", "records are not valid", "problems/validate.csv")
			add(sum.Unchecked, "record could not be checked", "records could not be checked", "problems/validate.csv")
			add(sum.Marked, "record depends on one of these", "records depend on one of these", "problems/validate.csv")
		case *runs.SendCounts:
			sum := sumOf(c.Resources, func(t *runs.Loaded, l runs.Loaded) {
				t.Staged, t.Duplicate = t.Staged+l.Staged, t.Duplicate+l.Duplicate
				t.Created, t.Updated, t.Unchanged = t.Created+l.Created, t.Updated+l.Updated, t.Unchanged+l.Unchanged
				t.Rejected, t.Blocked, t.Pending = t.Rejected+l.Rejected, t.Blocked+l.Blocked, t.Pending+l.Pending
			})
			now := "are at the target"
			if r.Stopped != nil && r.Stopped.Stage == runs.Send { // it may be why: the target was emptied, or is another
				now = "were at the target after the last send"
			}
			if len(c.Resources) == 0 && !r.Finished(runs.Send) { // it was killed
				all = append(all, Remark{Text: "how many records were loaded is not known until they are sent again", Total: true})
				continue
			}
			all = append(all, Remark{Total: true,
				Text: fmt.Sprintf("%d of %d records %s", sum.Created+sum.Updated+sum.Unchanged, sum.Staged-sum.Duplicate, now)})
			add(sum.Rejected, "record was refused by the target", "records were refused by the target", "errors")
			add(sum.Blocked, "record was not sent, because one that it needs was not accepted",
				"records were not sent, because one that they need was not accepted", "errors")
			add(sum.Pending, "record is pending: send it again", "records are pending: send them again", "errors")
		}
	}
	return all
}

// sumOf adds up the counts of all inputs or resources.
func sumOf[C any](counts map[string]C, add func(sum *C, c C)) C {
	var sum C
	for _, c := range counts {
		add(&sum, c)
	}
	return sum
}

// unmapped is how many different values no table knows, and whether there may be more.
func (rep *Report) unmapped() (n int64, more bool) {
	for _, g := range rep.Problems {
		if g.Code == diag.Unmapped {
			n, more = n+int64(g.distinct), more || g.more
		}
	}
	return n, more
}
