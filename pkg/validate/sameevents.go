package validate

import (
	"errors"
	"fmt"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// sameEvents lists the new results that the target seems to hold under other identifiers, and judges them.
type sameEvents struct {
	r       *resource
	listing *runs.Listing // nil: there is none

	assessments    []string // of which too many are such results
	found, records int64    // of these assessments
}

const (
	mostSame = 100 // one record in so many of an assessment may be such a result; with more of them a person decides
	fewSure  = 20  // so many whose key was corrected are no sign that more than that was changed
)

// add pairs the results of one assessment, and lists what was found.
func (l *sameEvents) add(s *eventSearch) error {
	found, sure := int64(0), int64(0)
	err := s.pair(func(p *pairing) error {
		row, problem, err := l.describe(s, p)
		if err == nil && l.listing == nil {
			l.listing, err = l.r.gate.run.NewSameEvents()
		}
		if err != nil {
			return err
		}
		if err := l.listing.Add(row, row.Cells()...); err != nil {
			return unwritable(err, l.r.gate.run.File("problems"))
		}
		l.r.gate.counts.SameEvents.Count(row)
		l.r.raise(p.staged.line, runs.Invalid)
		l.r.list.add(problem)
		if found++; row.Sure {
			sure++
		}
		return nil
	})
	if sure > fewSure {
		sure = 0
	}
	if err != nil || (found-sure)*mostSame <= s.records {
		return err
	}
	l.assessments = append(l.assessments, fmt.Sprintf("%q", s.query.Identifier))
	l.found, l.records = l.found+found, l.records+s.records
	return nil
}

// describe words a pairing, for the list and as a problem of the record.
func (l *sameEvents) describe(s *eventSearch, p *pairing) (row runs.SameEvent, problem diag.Problem, err error) {
	r := l.r
	if err := r.checkAgain(p.staged.line); err != nil {
		return row, problem, err
	}
	part := func(name string) string { return string(r.checked.Key.Part(name)) }
	row = runs.SameEvent{StagedLine: int(p.staged.line), Student: part("studentUniqueId"), Assessment: part("assessmentIdentifier"),
		Namespace: part("namespace"), Identifier: part("studentAssessmentIdentifier"), Why: p.why.String(), Sure: p.sure(), From: "others"}
	for _, h := range p.held {
		row.AtTarget = append(row.AtTarget, s.identifier(h))
		if h.ours {
			row.From = "here"
		}
	}
	adopt, acceptNew := r.gate.waysOn()
	fix := "If they are one event, " + adopt + " If not, run `" + acceptNew + "`."
	what := "the same event under a new identifier: the target has it under the one that it had when it was loaded from here"
	switch {
	case p.why == nothing:
		what = fmt.Sprintf("the target holds %s of this student and assessment under other identifiers, and which of them is this one cannot be told",
			diag.Counted(len(p.held), "result", "results"))
		fix = "Compare them in problems/same-events.csv. If one of them is the same event, " + r.gate.pickOne() + " If it is none of them, run `" + acceptNew + "`."
	case p.why == otherDate:
		what = "this may be the same event under a new identifier: one of another date, which was loaded from here and is not staged now, has the same scores"
	case row.From != "here":
		what = "the target holds this event under another identifier, which another loader gave it"
	}
	if p.why != nothing {
		what += " (" + p.why.String() + ")"
	}
	problem = diag.Problem{Code: diag.SameEvent, Level: diag.LevelOf(diag.SameEvent), Resource: r.name, StagedLine: int(p.staged.line),
		Key: r.checked.Key.String(), Path: "$.studentAssessmentIdentifier", Message: what, Fix: fix}
	return row, problem, nil
}

// finish gives the list its name.
func (l *sameEvents) finish() error {
	g := l.r.gate
	if l.listing == nil {
		return nil
	}
	if err := l.listing.Commit(); err != nil {
		return unwritable(err, g.run.File("problems"))
	}
	if n := len(l.assessments); n > 0 {
		what := "the assessment " + l.assessments[0]
		if n > 1 {
			what = fmt.Sprintf("%d assessments (%s among them)", n, l.assessments[0])
		}
		g.guard = &diag.Error{Kind: diag.Guarded, Code: diag.GuardExisting, Message: fmt.Sprintf(
			"the target seems to hold %d of the %d staged results of %s under other identifiers: they would be there twice", l.found, l.records, what)}
	}
	return nil
}

func (l *sameEvents) close() error {
	if l.listing == nil {
		return nil
	}
	return l.listing.Close()
}

// guardSame is the error of a run of which too many results are at the target under other identifiers.
func (g *gate) guardSame() error {
	if g.guard == nil {
		return nil
	}
	adopt, acceptNew := g.waysOn()
	g.guard.Next = "Look at problems/same-events.csv of the run. If they are the same events, " + adopt + " If they are others, run `" + acceptNew + "`."
	return g.guard
}

// waysOn are the ways on where results are at the target under other identifiers. Records of another tool have the
// identifiers that it gives them: what is adopted does not change them.
func (g *gate) waysOn() (adopt, acceptNew string) {
	adopt = "run `" + g.command("target", "adopt", g.run.Path, "--tenant", g.run.Tenant) + "`, then run transform again."
	if g.run.Records != "" {
		adopt = "give the records the identifiers of the column atTarget, then run `" + g.command("validate", g.run.Records, "--tenant", g.run.Tenant) + "`."
	}
	return adopt, g.command("validate", g.run.Path, "--tenant", g.run.Tenant, "--accept-new")
}

// pickOne is how a person decides which one it is.
func (g *gate) pickOne() string {
	if g.run.Records != "" {
		adopt, _ := g.waysOn()
		return adopt
	}
	return "pick it: `" + g.command("target", "adopt", g.run.Path, "--tenant", g.run.Tenant, "--pick", "LINE=IDENTIFIER") + "`."
}

func (g *gate) command(words ...string) string {
	if g.options.Command == nil {
		return diag.ShellCommand(words...)
	}
	return g.options.Command(words...)
}

// clearSameEvents removes the list of an earlier execution.
func (g *gate) clearSameEvents() error {
	for _, name := range []string{"same-events.csv", "same-events.jsonl"} {
		if err := os.Remove(g.run.File("problems", name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return unwritable(err, g.run.File("problems"))
		}
	}
	return nil
}
