package validate

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/keyset"
	"github.com/sluice-edfi/sluice/pkg/ordered"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// resource judges one staged file: blocks in parallel, then what needs the whole file. Its keys and
// verdicts are what later resources need of it.
type resource struct {
	name       string
	keys       keyset.Set // number: line-1
	verdicts   []runs.Verdict
	gate       *gate
	checker    *schema.Checker
	descriptor bool
	links      map[*schema.Reference]*link

	list       *problemList
	digest     jsonl.Digest
	blocks     []blockStart
	duplicates []duplicate
	folded     foldedKeys      // of a file that holds no descriptors
	own        []openReference // to the resource's own records, which may come further down
	waiting    waitingLines
	staged     []stagedDescriptor
	free       sync.Pool // of *batch

	perAssessment map[keyset.Key]int64 // of results: how many each has

	// Single lines of the file, read once more.
	lines   *lineReader
	checked schema.Record
}

// find is the line with this key and its verdict.
func (r *resource) find(key keyset.Key) (line int, v runs.Verdict, ok bool) {
	n, ok := r.keys.Find(key)
	if !ok {
		return 0, 0, false
	}
	return int(n) + 1, r.verdicts[n], true
}

// raise makes a line's verdict worse, never better.
func (r *resource) raise(line uint32, v runs.Verdict) {
	if severity[v] > severity[r.verdicts[line-1]] {
		r.verdicts[line-1] = v
	}
}

const blockSize = 256 << 10

// stream reads the file once: schema, keys, descriptors, and references to what is staged.
func (r *resource) stream(ctx context.Context) (err error) {
	path := r.gate.run.StagedFile(r.name)
	reader, err := jsonl.Open(path)
	if err != nil {
		return unreadable(err, path)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if known, ok := r.gate.run.Staged[r.name]; ok {
		r.keys.Expect(known.Lines)
		if !r.descriptor {
			r.folded.expect(known.Lines)
		}
	}
	next := func() (*batch, error) {
		b := r.free.Get().(*batch)
		if err := reader.Next(&b.block, blockSize); errors.Is(err, io.EOF) {
			return nil, io.EOF
		} else if err != nil {
			return nil, unreadable(err, path)
		}
		return b, nil
	}
	err = ordered.Run(ctx, max(r.gate.options.Workers, 1), next, func() func(*batch) error { return r.newWorker(ctx) }, r.receive)
	if err != nil {
		return err
	}
	r.digest = reader.Digest()
	if n := int64(len(r.verdicts)); n != r.digest.Lines {
		return diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d of its %d lines were judged", r.name, n, r.digest.Lines)
	}
	return nil
}

// finish judges what needs the whole file: duplicates, references within the file, and those that
// the target answers.
func (r *resource) finish(ctx context.Context) (err error) {
	r.lines, err = openLines(r.gate.run.StagedFile(r.name), r.blocks, r.digest.Bytes)
	if err != nil {
		return unreadable(err, r.gate.run.StagedFile(r.name))
	}
	defer func() { err = errors.Join(err, r.lines.Close()) }()

	if err := r.judgeDuplicates(); err != nil {
		return err
	}
	if err := r.judgeFolded(); err != nil {
		return err
	}
	dependences, err := r.ownReferences()
	if err != nil {
		return err
	}
	if r.gate.online() {
		if err := r.askTarget(ctx); err != nil {
			return err
		}
		if err := r.judgeEvents(ctx); err != nil {
			return err
		}
	}
	r.judgeDependents(dependences)
	r.stageDescriptors()
	return nil
}

// line reads a line once more; the text is valid until a few more were read.
func (r *resource) line(line uint32) ([]byte, error) {
	text, err := r.lines.line(line)
	if err != nil {
		return nil, unreadable(err, r.gate.run.StagedFile(r.name))
	}
	return text, nil
}

// checkAgain reads a line once more and checks it into r.checked.
func (r *resource) checkAgain(line uint32) error {
	text, err := r.line(line)
	if err == nil {
		r.checker.Check(text, &r.checked)
	}
	return err
}

// problem is a problem of the line that checkAgain read last.
func (r *resource) problem(line uint32, p diag.Problem) {
	p.StagedLine, p.Key = int(line), r.checked.Key.String()
	r.list.add(p)
}

func unreadable(err error, path string) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "Check the file's permissions, or run transform again.",
		"%s cannot be read", path)
}

// receive takes in judged blocks in the order of the file.
func (r *resource) receive(b *batch) error {
	progress := r.gate.options.Progress
	first := uint32(b.block.First)
	r.blocks = append(r.blocks, blockStart{first, r.digest.Bytes})
	r.digest.Bytes += int64(len(b.block.Data))

	for i := range b.marks {
		m := &b.marks[i]
		r.verdicts = append(r.verdicts, m.verdict)
		if !m.keyed {
			r.keys.Skip()
			continue
		}
		if n, fresh := r.keys.Add(m.key); !fresh {
			r.keys.Skip()
			r.duplicates = append(r.duplicates, duplicate{first + uint32(i), n + 1})
		} else if !r.descriptor {
			r.folded.add(first+uint32(i), m.folded)
		}
		if r.perAssessment != nil {
			r.perAssessment[m.assessment]++
		}
	}
	if err := r.receiveOpen(b); err != nil {
		return err
	}
	r.staged = append(r.staged, b.staged...)
	r.gate.sums.Add(b.sums)
	r.gate.declared.add(b.declares)
	b.sums, b.declares = nil, nil
	for _, n := range b.problems {
		if n.sum {
			r.list.sum(n.problem)
		} else {
			r.list.add(n.problem)
		}
	}
	progress.Records.Add(int64(len(b.marks)))
	progress.BytesRead.Add(int64(len(b.block.Data)))
	r.free.Put(b)
	return nil
}
