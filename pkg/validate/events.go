package validate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/ledger"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// A result that the ledger does not know may be at the target all the same, under an identifier that another loader
// gave it, or that it had before a part of its key was corrected. To load it would double the event. So the results
// that the target holds of these assessments are looked up, in the cheaper way, and events are paired:
//
//	what is staged and at the target under one natural key       is the same record
//	one left on each side, of one student, assessment and day     the same event
//	several left on a side                                        by start time, or by equal scores, if that is unique
//	the rest                                                      a person decides
//
// For a person are also a date that one side does not know, the days beside it where another loader brought the result
// (it may count days in another time zone), and a date that was corrected.

// stagedEvent is a staged result that the ledger does not know. 40 bytes each: a district that changes over has as
// many as it has results.
type stagedEvent struct {
	scores               uint64 // 0: there are none
	line, group, student uint32
	match                uint32 // 1 + the number of the one at the target that it is; 0: none
	second, day          int32  // day: from 1970 on; 0: the record has no date
	values               uint8
	why                  evidence
	there, paired        bool // there: the target has it under its own identifier
}

// heldEvent is a result at the target of a student of whom new ones are staged, under an identifier that none of
// them has.
type heldEvent struct {
	scores         uint64
	group, student uint32
	second, day    int32
	name           uint32 // of its identifier, in the search's names
	length, values uint8
	ours, paired   bool // ours: sent from here
}

// lastAssessment is that of the result at hand. Most have that of the one before.
type lastAssessment struct {
	identifier, namespace []byte
	key                   keyset.Key
}

func (a *lastAssessment) of(rec *schema.Record) keyset.Key {
	identifier, namespace := rec.Key.Part("assessmentIdentifier"), rec.Key.Part("namespace")
	if !bytes.Equal(a.identifier, identifier) || !bytes.Equal(a.namespace, namespace) {
		a.identifier, a.namespace = append(a.identifier[:0], identifier...), append(a.namespace[:0], namespace...)
		a.key = catalog.AssessmentKey(identifier, namespace)
	}
	return a.key
}

// noGroup is the group of a day of which nothing is staged.
const noGroup = ^uint32(0)

// eventSearch is the search for the staged results of one assessment.
type eventSearch struct {
	r        *resource
	query    catalog.EventQuery
	records  int64 // staged of the assessment, new or not
	staged   keyset.List[stagedEvent]
	held     keyset.List[heldEvent]
	names    []byte
	groups   keyset.Set // student and day
	students keyset.Set
	unknown  []keyset.Key // of the last held ones: the ledger was not asked yet
}

// judgeEvents finds results that the target holds under other identifiers.
func (r *resource) judgeEvents(ctx context.Context) error {
	g := r.gate
	if r.name != catalog.Results || !g.online() {
		return nil
	}
	g.events = &runs.PassEvents{Accepted: g.options.AcceptNew}
	if g.options.Ledger != nil {
		g.events.Ledger = g.options.Ledger.ID()
	}
	if g.options.AcceptNew {
		return nil
	}
	fresh, err := r.newEvents(ctx)
	if err != nil || len(fresh) == 0 {
		return err
	}
	events, err := g.catalog.Events()
	if err != nil {
		return err
	}
	switch empty, err := events.Empty(ctx); {
	case errors.Is(err, catalog.ErrDenied):
		r.uncheckedEvents(fresh)
		return nil
	case err != nil || empty && g.planned == nil:
		return err
	}
	searches, err := r.readEvents(fresh)
	if err != nil {
		return err
	}
	if g.planned != nil {
		return planEvents(ctx, events, searches, g.planned)
	}
	list := &sameEvents{r: r}
	for _, s := range searches {
		plan, err := events.Plan(ctx, &s.query)
		if err == nil {
			err = events.Each(ctx, &s.query, plan, func(e *catalog.Event) error { return s.take(ctx, e) })
		}
		if errors.Is(err, catalog.ErrDenied) {
			r.uncheckedEvents(fresh)
			return nil
		}
		if err == nil {
			err = s.askLedger(ctx)
		}
		if err == nil {
			err = list.add(s)
		}
		if err != nil {
			return errors.Join(err, list.close())
		}
	}
	return list.finish()
}

// planEvents tells how the results would be looked for.
func planEvents(ctx context.Context, events *catalog.Events, searches []*eventSearch, into *catalog.Plan) error {
	for _, s := range searches {
		step := catalog.Step{Of: "results of " + s.query.Identifier + " under other identifiers", Number: int64(s.staged.Len()), AtTarget: -1}
		p, err := events.Plan(ctx, &s.query)
		switch {
		case errors.Is(err, catalog.ErrDenied):
			step.Note = "the credential may not read them: unchecked"
		case err != nil:
			return err
		default:
			step.AtTarget, step.Ways = p.AtTarget, []catalog.Way{p.AsWay()}
		}
		into.Add(step)
		if err := p.Close(); err != nil {
			return err
		}
	}
	return nil
}

// newEvents are the lines of results that may be sent and that the ledger does not know. What it has without a digest
// counts as unknown: somebody else may have deleted or changed that.
func (r *resource) newEvents(ctx context.Context) (lines []uint32, err error) {
	const batch = 1 << 16
	entries := make([]ledger.Entry, 0, min(len(r.verdicts), batch))
	numbers := make([]uint32, 0, cap(entries))
	var states []ledger.State
	ask := func() error {
		if r.gate.options.Ledger != nil {
			if states, err = r.gate.options.Ledger.Decide(ctx, entries, states); err != nil {
				return err
			}
		}
		for i, line := range numbers {
			if r.gate.options.Ledger == nil || states[i] == ledger.New || states[i] == ledger.Forgotten {
				lines = append(lines, line)
			}
		}
		entries, numbers = entries[:0], numbers[:0]
		return nil
	}
	for i, v := range r.verdicts {
		if v == runs.Invalid || v == runs.Duplicate {
			continue
		}
		entries, numbers = append(entries, ledger.Entry{Key: r.keys.At(uint32(i))}), append(numbers, uint32(i)+1)
		if len(entries) == batch {
			if err := ask(); err != nil {
				return nil, err
			}
		}
	}
	return lines, ask()
}

// fewLines are read one by one; of more, the file is read once more.
const fewLines = 1000

// eachLine reads some lines of the staged file, which are in order.
func (r *resource) eachLine(lines []uint32, use func(line uint32, text []byte) error) error {
	if len(lines) <= fewLines {
		for _, line := range lines {
			text, err := r.line(line)
			if err == nil {
				err = use(line, text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	path, next := r.gate.run.StagedFile(r.name), 0
	err := jsonl.Each(path, func(l jsonl.Line) error {
		if next == len(lines) {
			return io.EOF
		}
		if l.Number != int64(lines[next]) {
			return nil
		}
		next++
		return use(lines[next-1], l.Text)
	})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readEvents sorts new results by their assessments.
func (r *resource) readEvents(lines []uint32) (all []*eventSearch, err error) {
	reader := catalog.NewEventReader(r.gate.standard)
	by := map[keyset.Key]*eventSearch{}
	err = r.eachLine(lines, func(line uint32, text []byte) error {
		e, ok := reader.Read(text)
		if !ok {
			return nil // it was judged valid: there is nothing that it could be compared by
		}
		key := reader.AssessmentKey()
		s := by[key]
		if s == nil {
			s = &eventSearch{r: r, query: catalog.EventQuery{Assessment: key, Identifier: string(reader.Part("assessmentIdentifier")),
				Namespace: string(reader.Part("namespace"))}}
			s.records = r.perAssessment[key]
			by[key], all = s, append(all, s)
		}
		s.add(line, &e, string(reader.Part("studentUniqueId")))
		return nil
	})
	return all, err
}

// add takes in a staged result.
func (s *eventSearch) add(line uint32, e *catalog.Event, student string) {
	n, fresh := s.students.Add(e.Student)
	if q := &s.query; fresh && (q.Students != nil || n == 0) {
		if q.Students = append(q.Students, student); len(q.Students) > catalog.MostStudents {
			q.Students = nil
		}
	}
	group, _ := s.groups.Add(dayOf(e))
	s.staged.Append(stagedEvent{line: line, group: group, student: n, second: e.Second, day: e.DayNumber(), scores: e.Scores, values: e.Values})
}

// dayOf is a student's day.
func dayOf(e *catalog.Event) keyset.Key {
	key := e.Student
	for i := range 4 {
		key[12+i] ^= byte(e.Day >> (8 * i))
	}
	return key
}

// take takes in a result at the target.
func (s *eventSearch) take(ctx context.Context, e *catalog.Event) error {
	if n, ok := s.r.keys.Find(e.Key); ok {
		i := sort.Search(s.staged.Len(), func(i int) bool { return s.staged.At(uint32(i)).line > n })
		if i < s.staged.Len() && s.staged.At(uint32(i)).line == n+1 {
			s.staged.At(uint32(i)).there = true
		}
		return nil
	}
	student, ok := s.students.Find(e.Student)
	if !ok {
		return nil // of nobody of whom anything new is staged: of another district, or of other days
	}
	group, ok := s.groups.Find(dayOf(e))
	if !ok {
		group = noGroup
	}
	s.held.Append(heldEvent{group: group, student: student, second: e.Second, day: e.DayNumber(), scores: e.Scores, values: e.Values,
		name: uint32(len(s.names)), length: uint8(min(len(e.Identifier), 255))})
	s.names = append(s.names, e.Identifier[:min(len(e.Identifier), 255)]...)
	if s.unknown = append(s.unknown, e.Key); len(s.unknown) >= 8192 {
		return s.askLedger(ctx)
	}
	return nil
}

// askLedger finds out which results at the target came from here.
func (s *eventSearch) askLedger(ctx context.Context) error {
	defer func() { s.unknown = s.unknown[:0] }()
	l := s.r.gate.options.Ledger
	if l == nil || len(s.unknown) == 0 {
		return nil
	}
	sent, err := l.Sent(ctx, s.unknown)
	for i := range sent {
		s.held.At(uint32(s.held.Len() - len(sent) + i)).ours = sent[i]
	}
	return err
}

func (s *eventSearch) identifier(h *heldEvent) string {
	return string(s.names[h.name : h.name+uint32(h.length)])
}

// uncheckedEvents says that the target does not let its results be read: whether it has the new ones is not known.
func (r *resource) uncheckedEvents(lines []uint32) {
	for _, line := range lines {
		r.raise(line, runs.Unchecked)
		r.list.sum(diag.Problem{Code: diag.RecordUnchecked, StagedLine: int(line),
			Message: fmt.Sprintf("the credential may not read %s: whether the target holds these events under other identifiers is not known", r.name),
			Fix:     "Grant the credential the right to read " + r.name + "; or look for yourself, and validate with --accept-new."})
	}
}
