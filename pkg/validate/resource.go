package validate

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// judged is what later resources need of one that is done: its keys and their verdicts.
type judged struct {
	name     string
	keys     keySet // number: line-1
	verdicts []runs.Verdict
}

// find is the line with this key and its verdict.
func (j *judged) find(key hash) (line int, v runs.Verdict, ok bool) {
	n, ok := j.keys.find(key)
	if !ok {
		return 0, 0, false
	}
	return int(n) + 1, j.verdicts[n], true
}

// raise makes a line's verdict worse, never better.
func (j *judged) raise(line uint32, v runs.Verdict) {
	if grave[v] > grave[j.verdicts[line-1]] {
		j.verdicts[line-1] = v
	}
}

// resource judges one staged file: blocks in parallel, then what needs the whole file.
type resource struct {
	judged
	gate       *gate
	checker    *schema.Checker
	descriptor bool
	links      map[*schema.Reference]*link

	listing *listing
	digest  jsonl.Digest
	blocks  []blockStart
	same    []sameKey
	open    openList
	selves  []selfUse
	staged  []stagedWordLine
	free    chan *batch

	// Again: single lines of the file, once more.
	lines   *lineReader
	checked schema.Record
}

// sameKey is a line whose key stands on an earlier line already.
type sameKey struct{ line, first uint32 }

// selfUse is a reference to the resource's own records, which may stand further down.
type selfUse struct {
	line uint32
	link *link
	self hash
	id   hash
}

type stagedWordLine struct {
	line            int
	namespace, code string
}

const blockSize = 256 << 10

// stream reads the file once: schema, keys, descriptors, and references to what is staged.
func (r *resource) stream(ctx context.Context) (err error) {
	path := r.gate.run.StagedFile(r.name)
	reader, err := jsonl.Open(path)
	if err != nil {
		return unreadable(err, path)
	}
	defer func() { err = joinClose(err, reader) }()
	if known, ok := r.gate.run.Staged[r.name]; ok {
		r.keys.expect(known.Lines)
	}
	workers := max(r.gate.options.Workers, 1)
	r.free = make(chan *batch, 2*workers+2) // as many as ordered.Run keeps alive
	next := func() (*batch, error) {
		var b *batch
		select {
		case b = <-r.free:
		default:
			b = &batch{}
		}
		if err := reader.Next(&b.block, blockSize); errors.Is(err, io.EOF) {
			return nil, io.EOF
		} else if err != nil {
			return nil, unreadable(err, path)
		}
		return b, nil
	}
	err = ordered.Run(ctx, workers, next, func() func(*batch) error { return r.newWorker(ctx) }, r.receive)
	if err != nil {
		return err
	}
	r.digest = reader.Digest()
	if n := int64(len(r.verdicts)); n != r.digest.Lines {
		return diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d lines read, %d judged", r.name, r.digest.Lines, n)
	}
	return nil
}

func unreadable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "check the file's rights, or run transform again", "%s cannot be read", path)
}

// receive takes in judged blocks in the order of the file.
func (r *resource) receive(b *batch) error {
	progress := r.gate.options.Progress
	first := uint32(b.block.First)
	r.blocks = append(r.blocks, blockStart{first, r.digest.Bytes})
	r.digest.Bytes += int64(len(b.block.Data))

	for i := range b.marks {
		m := &b.marks[i]
		line := first + uint32(i)
		r.verdicts = append(r.verdicts, m.verdict)
		if !m.keyed {
			r.keys.skip()
			continue
		}
		if n, fresh := r.keys.add(m.key); !fresh {
			r.keys.skip()
			r.same = append(r.same, sameKey{line, n + 1})
		}
	}
	if err := r.receiveOpen(b, first); err != nil {
		return err
	}
	for _, s := range b.staged {
		r.staged = append(r.staged, stagedWordLine{int(first) + int(s.mark), s.namespace, s.code})
	}
	for _, n := range b.problems {
		if n.sum {
			r.listing.sum(n.problem)
		} else {
			r.listing.add(n.problem)
		}
	}
	progress.Records.Add(int64(len(b.marks)))
	progress.BytesRead.Add(int64(len(b.block.Data)))
	select {
	case r.free <- b:
	default:
	}
	return nil
}

// receiveOpen notes which references of the batch wait for the end of the file or for the target.
func (r *resource) receiveOpen(b *batch, first uint32) error {
	began := int32(-1)
	for _, o := range b.open {
		line := first + uint32(o.mark)
		switch {
		case o.link.self:
			r.selves = append(r.selves, selfUse{line, o.link, o.self, o.id})
			continue
		case !r.gate.online():
			r.foreign(line, o.link)
			continue
		}
		if began != o.mark {
			if began >= 0 {
				r.open.end()
			}
			r.open.begin(line)
			began = o.mark
		}
		n, err := r.gate.inquiry.add(o.link.aim, o.id, func() (*schema.ReferenceUse, error) {
			return r.use(b.text(o.mark), line, o.link.aim, o.id)
		})
		if err != nil {
			return err
		}
		r.open.add(n, o.link.few())
	}
	if began >= 0 {
		r.open.end()
	}
	return nil
}

// foreign counts, offline, a reference that only the target can answer.
func (r *resource) foreign(line uint32, l *link) {
	r.raise(line, runs.Unchecked)
	if l.lastForeign == line {
		return
	}
	l.lastForeign = line
	p := diag.Problem{Code: diag.ReferenceUnknown, Level: diag.LevelInfo, StagedLine: int(line), Path: l.path,
		Message: fmt.Sprintf("refers to %s that are not staged; only the target can tell whether they are there", l.aim.name()),
		Fix:     validateOnline}
	r.listing.sum(p)
}

// text is a line of the batch.
func (b *batch) text(i int32) []byte {
	data := b.block.Data[b.marks[i].start:]
	if int(i)+1 < len(b.marks) {
		data = data[:b.marks[i+1].start-b.marks[i].start]
	}
	return data
}

// use finds in a record the reference of this aim and id.
func (r *resource) use(text []byte, line uint32, a *aim, id hash) (*schema.ReferenceUse, error) {
	r.checker.Check(text, &r.checked)
	for i := range r.checked.References {
		u := &r.checked.References[i]
		if l := r.links[u.Reference]; l != nil && l.aim == a && a.id(u) == id {
			return u, nil
		}
	}
	return nil, diag.Fail(diag.CouldNotRun, diag.Internal, "", "a reference on line %d of %s was lost", line, r.name)
}
