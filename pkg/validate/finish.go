package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// finish judges what needs the whole file: keys that stand twice, references within the file, and
// those that the target answers.
func (r *resource) finish(ctx context.Context) (err error) {
	r.lines, err = openLines(r.gate.run.StagedFile(r.name), r.blocks, r.digest.Bytes)
	if err != nil {
		return unreadable(err, r.gate.run.StagedFile(r.name))
	}
	defer func() { err = joinClose(err, r.lines) }()

	if err := r.settleSame(); err != nil {
		return err
	}
	edges, err := r.settleSelves()
	if err != nil {
		return err
	}
	if r.gate.online() {
		if err := r.gate.inquiry.ask(ctx, r.gate.catalogue); err != nil {
			return err
		}
		if err := r.settleOpen(); err != nil {
			return err
		}
	}
	r.spread(edges)
	r.settleWords()
	return nil
}

// again reads a line once more and checks it into r.checked.
func (r *resource) again(line uint32) ([]byte, error) {
	text, err := r.lines.line(line)
	if err != nil {
		return nil, unreadable(err, r.gate.run.StagedFile(r.name))
	}
	r.checker.Check(text, &r.checked)
	return text, nil
}

// problem is a problem of the line that again read last.
func (r *resource) problem(line uint32, p diag.Problem) {
	p.StagedLine, p.Key = int(line), r.checked.Key.String()
	if p.Level == 0 {
		p.Level = diag.LevelOf(p.Code)
	}
	r.listing.add(p)
}

// settleSame compares the records that share a key. Equal ones are one record, sent once; where
// they differ nobody knows which is right, so none passes.
func (r *resource) settleSame() error {
	conflicts := map[uint32]bool{} // first lines of keys whose records differ
	differs := make([]bool, len(r.same))
	for i, s := range r.same {
		first, err := r.lines.line(s.first)
		if err != nil {
			return unreadable(err, r.gate.run.StagedFile(r.name))
		}
		other, err := r.lines.line(s.line)
		if err != nil {
			return unreadable(err, r.gate.run.StagedFile(r.name))
		}
		if !sameRecord(first, other) {
			differs[i], conflicts[s.first] = true, true
		}
	}
	told := map[uint32]bool{}
	conflict := func(line, other uint32, what string) error {
		r.raise(line, runs.Invalid)
		if _, err := r.again(line); err != nil {
			return err
		}
		r.problem(line, diag.Problem{Code: diag.RecordConflict, Message: fmt.Sprintf("line %d has the same natural key %s; neither passes", other, what)})
		return nil
	}
	for i, s := range r.same {
		if !conflicts[s.first] {
			r.raise(s.line, runs.Duplicate)
			if _, err := r.again(s.line); err != nil {
				return err
			}
			r.problem(s.line, diag.Problem{Code: diag.RecordDuplicate, Level: diag.LevelWarning, Message: fmt.Sprintf("equals line %d; it is sent once", s.first)})
			continue
		}
		if differs[i] && !told[s.first] {
			told[s.first] = true
			if err := conflict(s.first, s.line, "and says something else"); err != nil {
				return err
			}
		}
		what := "and says something else"
		if !differs[i] {
			what = "and the same content, but another line with this key says something else"
		}
		if err := conflict(s.line, s.first, what); err != nil {
			return err
		}
	}
	return nil
}

// sameRecord reports whether two lines hold the same record; the order of properties does not matter.
func sameRecord(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := decode(a)
	y, errY := decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func decode(text []byte) (v map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// edge is a record that refers to another one of the same file.
type edge struct {
	child, parent uint32
	path          string
}

// settleSelves resolves references to the resource's own records; those that are not staged join
// what the target is asked.
func (r *resource) settleSelves() ([]edge, error) {
	var edges []edge
	began := uint32(0)
	for _, s := range r.selves {
		if n, ok := r.keys.find(s.self); ok {
			edges = append(edges, edge{s.line, n + 1, s.link.path})
			continue
		}
		if !r.gate.online() {
			r.foreign(s.line, s.link)
			continue
		}
		if began != s.line {
			if began != 0 {
				r.open.end()
			}
			r.open.begin(s.line)
			began = s.line
		}
		n, err := r.gate.inquiry.add(s.link.aim, s.id, s.again(r))
		if err != nil {
			return nil, err
		}
		r.open.add(n, s.link.few())
	}
	if began != 0 {
		r.open.end()
	}
	r.selves = nil
	return edges, nil
}

// explainLimit is how many records are read again to word what their references miss.
const explainLimit = 5 * listErrors

// settleOpen turns the target's answers into verdicts.
func (r *resource) settleOpen() error {
	told := 0
	var failed error
	r.open.worst(r.gate.inquiry.fates, func(line uint32, f fate) {
		var code diag.Code
		switch f {
		case fateAbsent:
			code = diag.ReferenceMissing
			r.raise(line, runs.Invalid)
		case fateUnread:
			code = diag.ReferenceUnknown
			r.raise(line, runs.Unchecked)
		default:
			return
		}
		if told++; told > explainLimit {
			r.listing.leave(diag.Problem{Code: code, Level: diag.LevelOf(code), StagedLine: int(line)})
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
	if _, err := r.again(line); err != nil {
		return err
	}
	q := r.gate.inquiry
	for i := range r.checked.References {
		u := &r.checked.References[i]
		l := r.links[u.Reference]
		if l == nil || l.aim == nil {
			continue
		}
		n, ok := q.set.find(l.aim.id(u))
		if !ok {
			continue // staged
		}
		p := diag.Problem{Path: u.Place.String(), Value: u.String()}
		switch q.fates[n] {
		case fateAbsent:
			p.Code = diag.ReferenceMissing
			p.Message = fmt.Sprintf("refers to %s with %s, which is neither staged nor at the target, as far as the credential can see", l.aim.name(), u.String())
			p.Fix = "load it at the target first, or correct the id in the source file"
		case fateUnread:
			p.Code = diag.ReferenceUnknown
			p.Message = fmt.Sprintf("refers to %s, which the credential may not read: whether it is there is not known", l.aim.name())
		default:
			continue
		}
		r.problem(line, p)
	}
	return nil
}

// settleWords tells the vocabulary what descriptors this resource brings, and which of them pass.
func (r *resource) settleWords() {
	v := r.gate.vocabulary
	for _, s := range r.staged {
		if other, twice := v.stage(r.name, s.namespace, s.code, s.line); twice {
			r.listing.add(diag.Problem{Code: diag.DescriptorCase, Level: diag.LevelOf(diag.DescriptorCase), StagedLine: s.line, Path: "$.codeValue",
				Key: "namespace=" + s.namespace + ", codeValue=" + s.code, Value: s.code,
				Message: fmt.Sprintf("differs from %q only in upper and lower case; targets take both for one value", other)})
		}
	}
	v.confirm(r.name, func(line int) bool { return good(r.verdicts[line-1]) })
	r.staged = nil
}

// again words a reference of a line that was judged long ago.
func (s selfUse) again(r *resource) func() (*schema.ReferenceUse, error) {
	return func() (*schema.ReferenceUse, error) {
		text, err := r.lines.line(s.line)
		if err != nil {
			return nil, unreadable(err, r.gate.run.StagedFile(r.name))
		}
		return r.use(text, s.line, s.link.aim, s.id)
	}
}
