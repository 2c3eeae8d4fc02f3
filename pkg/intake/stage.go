package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// Progress may be watched while Stage works.
type Progress struct{ Bytes, Records atomic.Int64 }

// Stage copies the records into the run, with their origins, and notes files and digests in its manifest. Lines
// without any text, the mark at the beginning of a file and carriage returns are left out: they are no part of a record.
func Stage(ctx context.Context, r *runs.Run, folder *Folder, p *Progress) (*runs.TransformCounts, error) {
	counts := &runs.TransformCounts{Inputs: map[string]runs.InputCounts{}, Resources: map[string]runs.StagedCounts{}}
	r.Inputs, r.Staged = nil, map[string]jsonl.Digest{}
	problems, err := r.NewProblems(runs.Transform)
	if err != nil {
		return nil, err
	}
	defer problems.Close() //nolint:errcheck // what was committed is closed already
	for _, known := range folder.Known {
		if err := problems.Add(known); err != nil {
			return nil, err
		}
	}
	for from := 0; from < len(folder.Files); {
		to := from + 1
		for to < len(folder.Files) && folder.Files[to].Resource == folder.Files[from].Resource {
			to++
		}
		s := &stager{run: r, files: folder.Files[from:to], problems: problems, progress: p}
		if err := s.resource(ctx); err != nil {
			return nil, err
		}
		name := folder.Files[from].Resource
		counts.Inputs[name] = runs.InputCounts{Read: s.records, Used: s.records}
		counts.Resources[name] = runs.StagedCounts{Staged: s.records}
		from = to
	}
	if err := problems.Commit(); err != nil {
		return nil, err
	}
	r.Bundle.Digest = digest(r.Inputs)
	return counts, nil
}

// digest stands for the bundle's: the pass holds for these files.
func digest(inputs []runs.Input) string {
	sum := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(sum, "%s %s\n", in.SHA256, in.Name)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// stager copies the files of one resource.
type stager struct {
	run      *runs.Run
	files    []File
	problems *runs.Problems
	progress *Progress
	staged   *jsonl.Writer
	origins  *jsonl.Writer
	records  int64
}

func (s *stager) resource(ctx context.Context) (err error) {
	name := s.files[0].Resource
	if s.staged, err = jsonl.Create(s.run.StagedFile(name)); err != nil {
		return err
	}
	defer s.staged.Close() //nolint:errcheck // what was committed is closed already
	if s.origins, err = jsonl.Create(s.run.OriginFile(name)); err != nil {
		return err
	}
	defer s.origins.Close() //nolint:errcheck // likewise
	for i := range s.files {
		if err := s.file(ctx, i); err != nil {
			return err
		}
	}
	if _, err := s.origins.Commit(); err != nil {
		return err
	}
	s.run.Staged[name], err = s.staged.Commit()
	return err
}

// file copies the file i of the resource.
func (s *stager) file(ctx context.Context, i int) error {
	f := s.files[i]
	before, err := os.Stat(f.Path)
	if err != nil {
		return unreadable(err, f.Path)
	}
	reader, err := jsonl.Open(f.Path)
	if err != nil {
		return unreadable(err, f.Path)
	}
	defer reader.Close()
	origin := jsonl.Origin{Input: f.Resource}
	if len(s.files) > 1 {
		origin.File = i + 1
	}
	had := s.records
	var b jsonl.Block
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := reader.Next(&b, 0); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return unreadable(err, f.Path)
		}
		if err := s.block(&b, origin); err != nil {
			return err
		}
		s.progress.Bytes.Add(int64(len(b.Data)))
		s.progress.Records.Store(s.records)
	}
	d := reader.Digest()
	after, err := os.Stat(f.Path)
	if err != nil || after.Size() != d.Bytes || !after.ModTime().Equal(before.ModTime()) {
		return changed(f.Path)
	}
	s.run.Inputs = append(s.run.Inputs, runs.Input{Name: f.Resource, Path: f.Path, Bytes: d.Bytes, SHA256: d.SHA256, Rows: s.records - had, Lines: d.Lines})
	return s.note(f, d.Lines, s.records-had)
}

// note says which lines of a file are no records.
func (s *stager) note(f File, lines, records int64) error {
	p := diag.Problem{Input: f.Resource, File: f.Path}
	switch {
	case records == 0:
		p.Code, p.Level, p.Message = diag.FilePassedOver, diag.LevelWarning, "the file holds no records"
	case records < lines:
		p.Code, p.Count, p.Message = diag.RowBlank, int(lines-records), "lines without any text were passed over"
	default:
		return nil
	}
	return s.problems.Add(p)
}

func (s *stager) block(b *jsonl.Block, origin jsonl.Origin) error {
	var text, from []byte
	n := 0
	for line, record := range b.Lines {
		if line == 1 {
			record = bytes.TrimPrefix(record, byteOrderMark)
		}
		if len(bytes.TrimSpace(record)) == 0 {
			continue
		}
		origin.Line = line
		text = append(append(text, record...), '\n')
		from = append(origin.Append(from), '\n')
		n++
	}
	s.records += int64(n)
	if err := s.staged.Write(text, n); err != nil {
		return err
	}
	return s.origins.Write(from, n)
}
