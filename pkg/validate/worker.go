package validate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// batch is a block of lines on its way: filled by the reader, judged by one worker, taken in by
// the receiver, and used again.
type batch struct {
	block    jsonl.Block
	marks    []mark    // one a line
	open     []openUse // references that this record file and the ones before do not answer
	problems []note
	staged   []stagedLine // of descriptors: what they are called
}

// mark is the judgement of one line.
type mark struct {
	start   int32 // where the line begins in the block
	verdict runs.Verdict
	keyed   bool
	key     hash
}

// openUse is a reference that waits for an answer.
type openUse struct {
	mark int32 // index of its line in the batch
	link *link
	self hash // its key among the records of the same resource, if link.self
	id   hash // aim.id
}

// note is a problem; those with sum are the same for many records and are only counted.
type note struct {
	problem diag.Problem
	sum     bool
}

// stagedLine is a descriptor found in a line.
type stagedLine struct {
	mark            int32
	namespace, code string
}

// worker judges lines. It is owned by one goroutine.
type worker struct {
	ctx     context.Context
	r       *resource
	rec     schema.Record
	memo    map[string]map[string]word // by type and value as written
	known   int                        // values in memo
	batch   *batch
	line    int
	key     string // of the record, once a problem asks for it
	covered []byte // namespace met last that the credential is for
	host    string // folded, of the record's namespace, once a descriptor asks for it
}

// maxMemo bounds a worker's memory of descriptor values: files have a few hundred, unless each
// record is wrong in its own way.
const maxMemo = 1 << 16

func (r *resource) newWorker(ctx context.Context) func(*batch) error {
	w := &worker{ctx: ctx, r: r, memo: map[string]map[string]word{}}
	return w.judge
}

// judge fills the batch's marks and what hangs on them.
func (w *worker) judge(b *batch) error {
	w.batch = b
	b.marks, b.open, b.problems, b.staged = b.marks[:0], b.open[:0], b.problems[:0], b.staged[:0]
	start := 0
	for line, text := range b.block.Lines {
		b.marks = append(b.marks, mark{start: int32(start), verdict: runs.Valid})
		w.line, w.key, w.host = int(line), "", ""
		if err := w.record(text); err != nil {
			return err
		}
		start += len(text) + 1
		if start <= len(b.block.Data) && b.block.Data[start-1] == '\r' {
			start++
		}
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
		w.invalid(diag.Problem{Code: diag.RecordJSON, Message: "the line is empty; each line of a staged file holds one record", Fix: "remove the line, or run transform again"})
		return nil
	case w.line == 1 && bytes.HasPrefix(text, byteOrderMark):
		w.invalid(diag.Problem{Code: diag.RecordJSON, Message: "the file begins with a byte order mark, which no target accepts in a record", Fix: "save the file as UTF-8 without BOM, or run transform again"})
		return nil
	}
	rec := &w.rec
	w.r.checker.Check(text, rec)
	m.keyed, m.key = rec.Key.OK, rec.Key.Hash
	for i := range rec.Findings {
		f := &rec.Findings[i]
		p := diag.Problem{Code: f.Code, Level: f.Level, Path: f.Path, Value: f.Value, Message: f.Message, Fix: f.Fix}
		if f.Level <= diag.LevelError {
			w.invalid(p)
		} else {
			w.note(p)
		}
	}
	if w.r.descriptor && m.keyed {
		w.staged()
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
	return nil
}

// namespace warns of records that namespace-based claims, which are the rule for assessments and
// descriptors, do not let the credential write. Other claims may, so it is no verdict.
func (w *worker) namespace() {
	prefixes := w.r.gate.prefixes
	if len(prefixes) == 0 {
		return
	}
	for _, p := range w.rec.Key.Parts {
		if p.Name != "namespace" || bytes.Equal(p.Value, w.covered) {
			continue
		}
		folded := fold(string(p.Value))
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(folded, prefix) }) {
			w.covered = append(w.covered[:0], p.Value...)
			continue
		}
		w.sum(diag.Problem{Code: diag.AuthNamespace, Level: diag.LevelWarning, Path: "$.namespace",
			Message: fmt.Sprintf("the credential is for namespaces that begin with %s, not for %s; unless its claim set says otherwise the target will refuse these records", strings.Join(prefixes, " or "), p.Value)})
	}
}

// staged remembers what a staged descriptor is called.
func (w *worker) staged() {
	s := stagedLine{mark: int32(len(w.batch.marks) - 1)}
	for _, p := range w.rec.Key.Parts {
		switch p.Name {
		case "namespace":
			s.namespace = string(p.Value)
		case "codeValue":
			s.code = string(p.Value)
		}
	}
	w.batch.staged = append(w.batch.staged, s)
}

// descriptor judges one descriptor value.
func (w *worker) descriptor(d *schema.DescriptorUse) error {
	words := w.memo[d.Type]
	k, ok := words[string(d.Value)]
	if !ok {
		var err error
		value := string(d.Value)
		if k, err = w.r.gate.vocabulary.look(w.ctx, d.Type, value); err != nil {
			return err
		}
		if w.known < maxMemo {
			if words == nil {
				words = map[string]word{}
				w.memo[d.Type] = words
			}
			words[value] = k
			w.known++
		}
	}
	if k == wordKnown {
		w.rec.Settle(d)
		return nil
	}
	p := diag.Problem{Path: d.Place.String(), Value: string(d.Value)}
	switch {
	case k == wordSpoilt:
		p.Code, p.Level = diag.ReferenceInvalid, diag.LevelWarning
		p.Message = fmt.Sprintf("this %s is staged, but its record is invalid; send will block this record", d.Type)
		w.raise(runs.Marked)
		w.note(p)
	case k == wordUnread:
		p.Code = diag.RecordUnchecked
		p.Message = fmt.Sprintf("the credential may not read %s, so whether the target knows this value is not known", w.r.gate.vocabulary.endpoint(d.Type))
		w.raise(runs.Unchecked)
		w.note(p)
	case k == wordForeign && host(fold(p.Value)) != w.namespaceHost():
		p.Code, p.Level = diag.RecordUnchecked, diag.LevelInfo
		p.Message = fmt.Sprintf("%s values of this namespace are not part of the data standard; only the target can tell whether it knows them", d.Type)
		p.Fix = validateOnline
		w.raise(runs.Unchecked)
		w.sum(p)
	default:
		p.Code = diag.RecordDescriptor
		p.Message, p.Fix = w.r.gate.vocabulary.explain(d.Type)
		w.invalid(p)
	}
	return nil
}

// namespaceHost is the host of the record's own namespace: its vendor.
func (w *worker) namespaceHost() string {
	if w.host == "" {
		for _, p := range w.rec.Key.Parts {
			if p.Name == "namespace" {
				w.host = host(fold(string(p.Value)))
			}
		}
	}
	return w.host
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
		line, verdict, ok := t.find(at(u, t.name))
		if !ok {
			continue
		}
		switch {
		case good(verdict):
		case verdict == runs.Unchecked && !w.r.gate.online():
			w.raise(runs.Unchecked)
			w.sum(open(l.path, t.name))
		default:
			w.raise(runs.Marked)
			w.note(spoilt(u.Place.String(), u.String(), t.name, line, verdict))
		}
		return
	}
	o := openUse{mark: int32(len(w.batch.marks) - 1), link: l}
	if l.self {
		o.self = at(u, w.r.name)
	}
	if w.r.gate.online() {
		o.id = l.aim.id(u)
	}
	w.batch.open = append(w.batch.open, o)
}

// good reports whether a record may be referred to: send will load it.
func good(v runs.Verdict) bool { return v == runs.Valid || v == runs.Duplicate }

// open words, offline, a reference to staged records that wait for the target themselves. They are
// not at fault, so what refers to them waits with them.
func open(path, target string) diag.Problem {
	return diag.Problem{Code: diag.ReferenceUnknown, Level: diag.LevelInfo, Path: path,
		Message: fmt.Sprintf("refers to staged %s that only the target can check", target), Fix: validateOnline}
}

const validateOnline = "validate online, with the tenant that the records are for"

// spoilt words a reference to a staged record that will not be loaded.
func spoilt(path, key, target string, line int, v runs.Verdict) diag.Problem {
	why := "invalid"
	switch v {
	case runs.Unchecked:
		why = "unchecked"
	case runs.Marked:
		why = "itself dependent on one that is invalid or unchecked"
	}
	return diag.Problem{Code: diag.ReferenceInvalid, Level: diag.LevelWarning, Path: path, Value: key,
		Message: fmt.Sprintf("refers to line %d of %s, which is %s; send will block this record", line, target, why)}
}

// grave orders verdicts: a worse one stays.
var grave = [256]uint8{runs.Valid: 0, runs.Marked: 1, runs.Duplicate: 2, runs.Unchecked: 3, runs.Invalid: 4}

func (w *worker) raise(v runs.Verdict) {
	m := &w.batch.marks[len(w.batch.marks)-1]
	if grave[v] > grave[m.verdict] {
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
	if p.Level == 0 {
		p.Level = diag.LevelOf(p.Code)
	}
	return p
}
