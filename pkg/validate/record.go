package validate

import (
	"bytes"
	"context"

	"github.com/sluice-edfi/sluice/pkg/catalog"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// batch is a block of lines on its way: filled by the reader, judged by one worker, taken in by
// the receiver, and used again.
type batch struct {
	block    jsonl.Block
	marks    []mark          // one a line
	open     []openReference // those that the files before do not answer
	problems []note
	staged   []stagedDescriptor // in a file of descriptors
	sums     rules.Sums         // what the lines add to totals
	declares []declaration
}

// mark is the judgement of one line.
type mark struct {
	text    []byte // in the block
	verdict runs.Verdict
	keyed   bool
	key     keyset.Key
	folded  uint32 // a hash of the key without regard to case

	assessment keyset.Key // of a result
}

// note is a problem; those with sum are the same for many records and are only counted.
type note struct {
	problem diag.Problem
	sum     bool
}

// worker judges lines. It is owned by one goroutine.
type worker struct {
	ctx      context.Context
	r        *resource
	rec      schema.Record
	values   map[descriptorKey]valueState // by type and value as written
	near     map[descriptorKey]string     // to those that are not known
	batch    *batch
	line     int
	key      string        // of the record, once a problem asks for it
	covered  []byte        // the last namespace seen that the credential is for
	rules    *rules.Worker // nil: nothing is asked of these records
	modeller *modeller     // likewise
	host     string        // folded, of the record's namespace, once a descriptor asks for it

	assessment lastAssessment
}

// maxValues bounds a worker's memory of descriptor values: files have a few hundred, unless each
// record is wrong in its own way.
const maxValues = 1 << 16

func (r *resource) newWorker(ctx context.Context) func(*batch) error {
	w := &worker{ctx: ctx, r: r, values: map[descriptorKey]valueState{}, near: map[descriptorKey]string{},
		modeller: r.gate.modelling(r.name)}
	if asked := r.gate.options.Rules.Resource(r.name); asked != nil {
		w.rules = asked.Worker()
	}
	return w.judge
}

// judge fills the batch's marks and what hangs on them.
func (w *worker) judge(b *batch) error {
	w.batch = b
	b.marks, b.open, b.problems, b.staged = b.marks[:0], b.open[:0], b.problems[:0], b.staged[:0]
	for line, text := range b.block.Lines {
		b.marks = append(b.marks, mark{text: text, verdict: runs.Valid})
		w.line, w.key, w.host = int(line), "", ""
		if err := w.record(text); err != nil {
			return err
		}
	}
	if w.rules != nil {
		b.sums = w.rules.Take()
	}
	return nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// record judges one line: the schema, its descriptors, its references. Everything that is wrong
// is told at once.
func (w *worker) record(text []byte) error {
	m := &w.batch.marks[len(w.batch.marks)-1]
	w.rec.Key = schema.Key{} // what the line before left
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		w.invalid(diag.Problem{Code: diag.RecordJSON, Message: "the line is empty; each line of a staged file holds one record", Fix: "Remove the line, or run transform again."})
		return nil
	case w.line == 1 && bytes.HasPrefix(text, byteOrderMark):
		w.invalid(diag.Problem{Code: diag.RecordJSON, Message: "the file begins with a byte order mark, which no target accepts in a record", Fix: "Save the file as UTF-8 without BOM, or run transform again."})
		return nil
	}
	rec := &w.rec
	w.r.checker.Check(text, rec)
	m.keyed, m.key = rec.Key.OK, rec.Key.Hash
	for i := range rec.Findings {
		f := &rec.Findings[i]
		p := diag.Problem{Code: f.Code, Level: f.Level, Path: f.Path, Value: f.Value, Message: f.Message, Fix: f.Fix}
		switch {
		case f.OfExtension() && !w.r.gate.online():
			p.Level, p.Fix = diag.LevelWarning, "Validate online: the target's documents say what its extensions are."
			p.Message = "extension data, of which the embedded data standard knows nothing"
			w.note(p)
		case f.OfExtension():
			p.Message, p.Fix = "the target has no extension data here", "Leave `_ext` out for targets without the extension, as with `when` and a parameter of the bundle."
			w.invalid(p)
		case f.Level <= diag.LevelError:
			w.invalid(p)
		case f.Code == diag.RecordPortable:
			p.StagedLine = w.line
			w.batch.problems = append(w.batch.problems, note{p, true}) // one sum has no key
		default:
			w.note(p)
		}
	}
	if w.modeller != nil && m.verdict == runs.Valid {
		w.model(text)
	}
	if w.rules != nil && m.verdict == runs.Valid {
		w.byRules(text)
	}
	switch {
	case w.r.descriptor && m.keyed:
		w.noteStaged()
	case m.keyed:
		m.folded = uint32(rec.Key.Folded())
		if w.r.perAssessment != nil {
			m.assessment = w.assessment.of(rec)
		}
	}
	w.namespace()
	for i := range rec.Descriptors {
		if err := w.descriptor(&rec.Descriptors[i]); err != nil {
			return err
		}
	}
	for i := range rec.References {
		w.reference(&rec.References[i])
	}
	return w.enrolment(text)
}

// namespace warns of records that namespace-based claims, which are the rule for assessments and
// descriptors, do not let the credential write. Other claims may, so it is not a verdict.
func (w *worker) namespace() {
	prefixes := w.r.gate.namespaces
	if len(prefixes) == 0 {
		return
	}
	for _, p := range w.rec.Key.Parts {
		if p.Name != "namespace" || bytes.Equal(p.Value, w.covered) {
			continue
		}
		if catalog.Covers(prefixes, p.Value) {
			w.covered = append(w.covered[:0], p.Value...)
			continue
		}
		w.sum(diag.Problem{Code: diag.AuthNamespace, Level: diag.LevelWarning, Path: "$.namespace",
			Message: catalog.ForeignNamespace(prefixes, string(p.Value))})
	}
}

// severity orders verdicts: a worse one stays.
var severity = [256]uint8{runs.Valid: 0, runs.Marked: 1, runs.Duplicate: 2, runs.Unchecked: 3, runs.Invalid: 4}

func (w *worker) raise(v runs.Verdict) {
	m := &w.batch.marks[len(w.batch.marks)-1]
	if severity[v] > severity[m.verdict] {
		m.verdict = v
	}
}

func (w *worker) invalid(p diag.Problem) {
	w.raise(runs.Invalid)
	w.note(p)
}

// note lists a problem of the record.
func (w *worker) note(p diag.Problem) {
	w.batch.problems = append(w.batch.problems, note{w.fill(p), false})
}

// sum counts a problem that is the same for many records.
func (w *worker) sum(p diag.Problem) {
	w.batch.problems = append(w.batch.problems, note{w.fill(p), true})
}

func (w *worker) fill(p diag.Problem) diag.Problem {
	if w.key == "" && len(w.rec.Key.Parts) > 0 {
		w.key = w.rec.Key.String()
	}
	p.StagedLine, p.Key = w.line, w.key
	return p
}
