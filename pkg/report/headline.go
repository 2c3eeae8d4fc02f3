package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Headline says in a few words and numbers how a run stands.
type Headline struct {
	State string `json:"state"` // done, partly, stopped, unfinished
	Word  string `json:"word"`  // what the state is called, as in "Partly loaded"
	Text  string `json:"text"`  // the numbers, or the reason
}

// newest is the stage that began last; nil if none did. A run that was sent may be validated again.
func (rep *Report) newest() *Stage {
	var last *Stage
	for i := range rep.Stages {
		if s := &rep.Stages[i]; last == nil || !s.Timing.Start.Before(last.Timing.Start) {
			last = s
		}
	}
	return last
}

// headline is how the run stands after the stage that began last.
func (rep *Report) headline() Headline {
	last := rep.newest()
	if why := rep.Stopped; why != nil {
		text := fmt.Sprintf("%s (%s). %s", strings.TrimRight(why.Message, "."), why.Code, rep.loadedSoFar())
		return Headline{"stopped", capital(why.Stage) + " was stopped", strings.TrimSpace(text)}
	}
	if last == nil {
		return Headline{"unfinished", "Not started", "Nothing has run yet. Nothing was loaded."}
	}
	if last.Timing.Exit == nil {
		text := fmt.Sprintf("It began at %s, and is at work or was killed. %s",
			moment(last.Timing.Start), rep.loadedSoFar())
		return Headline{"unfinished", capital(last.Name) + " has not ended", strings.TrimSpace(text)}
	}
	if !last.Timing.Exit.Finished() {
		text := fmt.Sprintf("%s ended with exit status %d. %s", last.Name, *last.Timing.Exit, rep.loadedSoFar())
		return Headline{"stopped", capital(last.Name) + " was stopped", strings.TrimSpace(text)}
	}
	h := Headline{"done", last.Done, strings.Join(rep.numbers(last), " · ")}
	behind := rep.Behind()
	warned := slices.ContainsFunc(rep.Stages, func(s Stage) bool { return s.Timing.Exit != nil && *s.Timing.Exit == runs.Partly })
	if sent := rep.Stage(runs.Send); sent != nil && last.Name != runs.Send {
		h.Word, h.Text = "validated again, not sent since", strings.TrimSpace(h.Text+". "+rep.loadedSoFar())
	}
	c, _ := last.Counts.(*runs.SendCounts)
	switch {
	case behind && c != nil && c.Resources[testResults].Staged > 0 && held(c.Resources[testResults]) == 0:
		h.State, h.Word = "partly", "no test was loaded"
	case behind && last.Loads:
		h.State, h.Word = "partly", "partly "+h.Word
	case behind:
		h.State = "partly"
	case warned:
		h.State, h.Word = "partly", h.Word+", with warnings"
	}
	h.Word = capital(h.Word)
	return h
}

// Behind reports whether a row or a record stayed behind.
func (rep *Report) Behind() bool {
	return slices.ContainsFunc(rep.Stages, func(s Stage) bool { return s.Counts.Partly() })
}

// capital is a text as it stands at the beginning of a sentence.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// loadedSoFar says what is known to be loaded, and nothing where it is not known.
func (rep *Report) loadedSoFar() string {
	s := rep.Stage(runs.Send)
	if s == nil {
		return "Nothing was loaded."
	}
	if c, ok := s.Counts.(*runs.SendCounts); ok && len(c.Resources) > 0 && s.Timing.Exit != nil {
		return "So far: " + strings.Join(append([]string{rep.loaded(c)}, behindInSend(c)...), ", ") + "."
	}
	return ""
}

// numbers are the counts that say how a run stands after a stage.
func (rep *Report) numbers(last *Stage) []string {
	var all, left []string
	add := func(n int64, one, many string) {
		if n > 0 {
			left = append(left, diag.Counted(int(n), one, many))
		}
	}
	if s := rep.Stage(runs.Transform); s != nil {
		c, _ := s.Counts.(*runs.TransformCounts)
		in := sumOf(c.Inputs, func(t *runs.InputCounts, in runs.InputCounts) {
			t.Read, t.Used, t.Rejected, t.Unmatched = t.Read+in.Read, t.Used+in.Used, t.Rejected+in.Rejected, t.Unmatched+in.Unmatched
			t.Filtered += in.Filtered + in.Duplicate + in.Other
		})
		if last.Name == runs.Transform {
			all = append(all, fmt.Sprintf("%d of %s used", in.Used, diag.Counted(int(in.Read), "row", "rows")))
		}
		add(in.Rejected, "row rejected", "rows rejected")
		add(in.Unmatched, "row of a student who is not known", "rows of students who are not known")
		add(in.Filtered, "row left out", "rows left out")
	}
	if s := rep.Stage(runs.Validate); s != nil {
		c, _ := s.Counts.(*runs.ValidateCounts)
		sum := sumOf(c.Resources, func(t *runs.Verdicts, v runs.Verdicts) {
			t.Staged, t.Valid, t.Invalid, t.Unchecked = t.Staged+v.Staged, t.Valid+v.Valid, t.Invalid+v.Invalid, t.Unchecked+v.Unchecked
		})
		if last.Name == runs.Validate {
			all = append(all, fmt.Sprintf("%d of %s valid", sum.Valid, diag.Counted(int(sum.Staged), "record", "records")))
		}
		add(sum.Invalid, "record not valid", "records not valid")
		if c.OpenForTarget {
			add(sum.Unchecked, "record that only the target can check", "records that only the target can check")
		} else {
			add(sum.Unchecked, "record not checked", "records not checked")
		}
	}
	if c, ok := last.Counts.(*runs.SendCounts); ok {
		all, left = append(all, rep.loaded(c)), append(left, behindInSend(c)...)
		tried := sumOf(c.Resources, func(t *runs.Loaded, l runs.Loaded) { t.Staged += l.Created + l.Updated + l.Rejected + l.Pending })
		if tried.Staged == 0 && c.Loaded() && !rep.Behind() {
			left = append(left, "nothing new to send")
		}
	}
	return append(all, left...)
}

// behindInSend is what send left behind, beside what validate had left behind before.
func behindInSend(c *runs.SendCounts) []string {
	sum := sumOf(c.Resources, func(t *runs.Loaded, l runs.Loaded) {
		t.Rejected, t.Blocked, t.Pending = t.Rejected+l.Rejected, t.Blocked+l.Blocked, t.Pending+l.Pending
	})
	var left []string
	for _, of := range []struct {
		n         int64
		one, many string
	}{
		{sum.Rejected, "record refused", "records refused"},
		{sum.Blocked, "record held back", "records held back"},
		{sum.Pending, "record pending", "records pending"},
	} {
		if of.n > 0 {
			left = append(left, diag.Counted(int(of.n), of.one, of.many))
		}
	}
	return left
}

// testResults is the resource whose records people call tests.
const testResults = "studentAssessments"

// held is how many records the target holds as they were sent.
func held(l runs.Loaded) int64 { return l.Created + l.Updated + l.Unchanged }

// loaded says how many tests the target took; where a run has none, how many records. They are counted out
// of all rows if each row that was used gave one.
func (rep *Report) loaded(c *runs.SendCounts) string {
	tests := c.Resources[testResults]
	if tests.Staged == 0 {
		sum := sumOf(c.Resources, func(t *runs.Loaded, l runs.Loaded) {
			t.Created, t.Staged = t.Created+held(l), t.Staged+l.Staged-l.Duplicate
		})
		return fmt.Sprintf("%d of %s loaded", sum.Created, diag.Counted(int(sum.Staged), "record", "records"))
	}
	out := tests.Staged - tests.Duplicate
	if s := rep.Stage(runs.Transform); s != nil {
		in := slices.Collect(maps.Values(s.Counts.(*runs.TransformCounts).Inputs))
		if len(in) == 1 && in[0].Used == tests.Staged && tests.Duplicate == 0 {
			out = in[0].Read
		}
	}
	return fmt.Sprintf("%d of %s loaded", held(tests), diag.Counted(int(out), "test", "tests"))
}
