package validate

import (
	"context"
	"fmt"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// A reference is answered by the first of these that can:
//
//	resources judged before   while the file is read           worker.reference
//	this very resource        when the whole file is read      resource.ownReferences
//	the target                in bulk, after that              resource.askTarget
//
// Offline the last is left open.

// link is what the gate knows of one reference property of the resource under judgement.
type link struct {
	ref      *schema.Reference
	path     string            // $.studentObjectiveAssessments[*].objectiveAssessmentReference
	nested   bool              // inside a collection: many a record
	self     bool              // the resource itself is among the targets
	staged   []*resource       // targets that are staged and judged already
	referent *catalog.Referent // what it may mean at the target

	lastUnasked uint32 // line last counted by resource.unasked
}

// fewValues is how many different values a reference may have for lines to share sets of them.
const fewValues = 4096

// few reports whether lines probably have this reference in common.
func (l *link) few() bool { return l.nested || l.referent.Unanswered() < fewValues }

// openReference is a reference that waits for an answer.
type openReference struct {
	line uint32
	link *link
	self keyset.Key // its key among the records of the same resource, if link.self
	key  keyset.Key // among the references that the target is asked for
}

// reference judges one reference as far as what is staged answers it.
func (w *worker) reference(u *schema.ReferenceUse) {
	l := w.r.links[u.Reference]
	if l == nil || len(l.ref.Targets) == 0 {
		w.raise(runs.Unchecked)
		w.note(diag.Problem{Code: diag.ReferenceUnknown, Path: u.Place.String(), Value: u.String(),
			Message: "the data standard does not say what this reference points at"})
		return
	}
	for _, t := range l.staged {
		line, verdict, ok := t.find(u.HashFor(t.name))
		if !ok {
			continue
		}
		switch {
		case passes(verdict):
		case verdict == runs.Unchecked && !w.r.gate.online():
			w.raise(runs.Unchecked)
			w.sum(refersToUnchecked(l.path, t.name))
		default:
			w.raise(runs.Marked)
			w.note(refersToBad(diag.Problem{Path: u.Place.String(), Value: u.String()}, t.name, line, verdict))
		}
		return
	}
	o := openReference{line: uint32(w.line), link: l}
	if l.self {
		o.self = u.HashFor(w.r.name)
	}
	if w.r.gate.online() {
		o.key = l.referent.Key(u)
	}
	w.batch.open = append(w.batch.open, o)
}

// passes reports whether a record may be referred to: send will load it.
func passes(v runs.Verdict) bool { return v == runs.Valid || v == runs.Duplicate }

// refersToUnchecked words, offline, a reference to staged records that wait for the target
// themselves. They are not at fault, so what refers to them waits with them.
func refersToUnchecked(path, target string) diag.Problem {
	return diag.Problem{Code: diag.ReferenceUnknown, Level: diag.LevelInfo, Path: path,
		Message: fmt.Sprintf("refers to staged %s that only the target can check", target), Fix: validateOnline}
}

const validateOnline = "validate online, with the tenant that the records are for"

// refersToBad words in p a reference to a staged record that will not be loaded.
func refersToBad(p diag.Problem, target string, line int, v runs.Verdict) diag.Problem {
	why := "invalid"
	switch v {
	case runs.Unchecked:
		why = "unchecked"
	case runs.Marked:
		why = "itself dependent on one that is invalid or unchecked"
	}
	p.Code, p.Level = diag.ReferenceInvalid, diag.LevelWarning
	record := fmt.Sprintf("line %d of staged/%s.jsonl", line, target)
	if p.Value != "" { // which is read by people who correct rows
		record = fmt.Sprintf("a record of %s with %s", target, p.Value)
	}
	p.Message = fmt.Sprintf("refers to %s, which is %s; send will block this record", record, why)
	return p
}

// receiveOpen notes which references of the batch wait for the end of the file or for the target.
func (r *resource) receiveOpen(b *batch) error {
	for _, o := range b.open {
		if o.link.self {
			r.own = append(r.own, o)
			continue
		}
		if err := r.leaveOpen(o, func() []byte { return b.marks[int64(o.line)-b.block.First].text }); err != nil {
			return err
		}
	}
	return nil
}

// leaveOpen leaves a reference to the target. text reads its line, and is called only if needed.
func (r *resource) leaveOpen(o openReference, text func() []byte) error {
	if !r.gate.online() {
		r.unasked(o.line, o.link)
		return nil
	}
	n, err := r.gate.references.Add(o.link.referent, o.key, func() (*schema.ReferenceUse, error) { return r.use(text(), o) })
	if err != nil {
		return err
	}
	r.waiting.add(o.line, n, o.link.few())
	return nil
}

// unasked counts, offline, a reference that only the target can answer.
func (r *resource) unasked(line uint32, l *link) {
	r.raise(line, runs.Unchecked)
	if l.lastUnasked == line {
		return
	}
	l.lastUnasked = line
	r.list.sum(diag.Problem{Code: diag.ReferenceUnknown, Level: diag.LevelInfo, StagedLine: int(line), Path: l.path,
		Message: fmt.Sprintf("refers to %s that are not staged; only the target can tell whether they are there", l.referent.Name()),
		Fix:     validateOnline})
}

// use finds in a record the reference that was left open.
func (r *resource) use(text []byte, o openReference) (*schema.ReferenceUse, error) {
	r.checker.Check(text, &r.checked)
	for i := range r.checked.References {
		u := &r.checked.References[i]
		if l := r.links[u.Reference]; l != nil && l.referent == o.link.referent && l.referent.Key(u) == o.key {
			return u, nil
		}
	}
	return nil, diag.Fail(diag.CouldNotRun, diag.Internal, "", "a reference on line %d of %s was lost", o.line, r.name)
}

// ownReferences resolves references to the resource's own records; those that are not staged join
// what the target is asked.
func (r *resource) ownReferences() ([]dependence, error) {
	var found []dependence
	for _, o := range r.own {
		if n, ok := r.keys.Find(o.self); ok {
			found = append(found, dependence{o.line, n + 1, o.link.path})
			continue
		}
		var failed error
		err := r.leaveOpen(o, func() (text []byte) {
			text, failed = r.line(o.line)
			return text
		})
		if failed != nil {
			return nil, failed
		}
		if err != nil {
			return nil, err
		}
	}
	r.own = nil
	return found, nil
}

// explainLimit is how many records are read again to word what their references miss.
const explainLimit = 5 * listErrors

// askTarget has the target asked for what is open, and turns its answers into verdicts.
func (r *resource) askTarget(ctx context.Context) error {
	if r.gate.planned != nil {
		return r.gate.references.Plan(ctx, r.gate.planned)
	}
	if err := r.gate.references.Ask(ctx); err != nil {
		return err
	}
	explained := 0
	var failed error
	r.waiting.worst(r.gate.references.Answer, func(line uint32, a catalog.Answer) {
		var code diag.Code
		switch a {
		case catalog.Absent:
			code = diag.ReferenceMissing
			r.raise(line, runs.Invalid)
		case catalog.Unreadable:
			code = diag.ReferenceUnknown
			r.raise(line, runs.Unchecked)
		default:
			return
		}
		if explained++; explained > explainLimit {
			r.list.leave(diag.Problem{Code: code, StagedLine: int(line)})
			return
		}
		if failed == nil {
			failed = r.explainOpen(line)
		}
	})
	return failed
}

// explainOpen words which references of a line the target did not confirm.
func (r *resource) explainOpen(line uint32) error {
	if err := r.checkAgain(line); err != nil {
		return err
	}
	for i := range r.checked.References {
		u := &r.checked.References[i]
		l := r.links[u.Reference]
		if l == nil || l.referent == nil {
			continue
		}
		n, ok := r.gate.references.Find(l.referent.Key(u))
		if !ok {
			continue // staged
		}
		p := diag.Problem{Path: u.Place.String(), Value: u.String()}
		switch r.gate.references.Answer(n) {
		case catalog.Absent:
			p.Code = diag.ReferenceMissing
			p.Message = fmt.Sprintf("no record of %s with %s is staged or at the target, as far as the credential can see", l.referent.Name(), u.String())
			p.Fix = "Load it at the target first, or correct the id in the source file."
		case catalog.Unreadable:
			p.Code = diag.ReferenceUnknown
			p.Message = fmt.Sprintf("refers to %s, which the credential may not read: whether it is there is not known", l.referent.Name())
		default:
			continue
		}
		r.problem(line, p)
	}
	return nil
}
