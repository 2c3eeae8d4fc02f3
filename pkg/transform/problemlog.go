package transform

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// problemLog lists problems in the run, at most maxAlike of one cause; the rest is counted, and
// said at the end. Rejected rows are all in rejects/, whatever is listed here.
type problemLog struct {
	out   *runs.Problems // nil: nothing is written
	limit runs.Limit
	worst map[diag.Level]int64
}

// maxAlike is how many problems of one cause are listed one by one.
const maxAlike = 1000

func newProblemLog(run *runs.Run) (*problemLog, error) {
	l := &problemLog{worst: map[diag.Level]int64{}}
	if run == nil {
		return l, nil
	}
	var err error
	l.out, err = run.NewProblems(runs.Transform)
	return l, err
}

func (l *problemLog) add(p diag.Problem) error {
	if p.Level == 0 {
		p.Level = diag.LevelOf(p.Code)
	}
	l.worst[p.Level]++
	t := l.limit.Of(runs.Cause{Code: p.Code, Input: p.Input, Column: p.Column, Resource: p.Resource, Path: p.Path, Rule: p.Rule})
	if t.Seen++; t.Seen > maxAlike {
		l.limit.Leave(t, p)
		return nil
	}
	return l.write(p)
}

func (l *problemLog) write(p diag.Problem) error {
	if l.out == nil {
		return nil
	}
	return unwritable(l.out.Add(p))
}

// commit says how many were not listed, and gives the lists their names.
func (l *problemLog) commit() error {
	for _, t := range l.limit.Left() {
		p := *t.First
		p.Line, p.Value, p.Key, p.Count = 0, "", "", t.Left
		p.Message = fmt.Sprintf("and %d more of this kind, not listed one by one: %s", t.Left, p.Message)
		if err := l.write(p); err != nil {
			return err
		}
	}
	if l.out == nil {
		return nil
	}
	return unwritable(l.out.Commit())
}

func (l *problemLog) close() error {
	if l == nil || l.out == nil {
		return nil
	}
	return l.out.Close()
}

// rejectFile is rejects/<input>.csv: rejected rows verbatim, under their header. It is there only if
// a row was rejected.
type rejectFile struct {
	path    string // empty: nothing is written
	header  string
	lineEnd string
	mark    bool // begins with a byte order mark, so that it is read as UTF-8 whatever `encoding` says
	file    *durable.File
	buf     *bufio.Writer
}

func (f *rejectFile) add(raw string) error {
	if f == nil || f.path == "" {
		return nil
	}
	if f.file == nil {
		file, err := durable.Create(f.path)
		if err != nil {
			return unwritable(err)
		}
		f.file, f.buf = file, bufio.NewWriterSize(file, 64<<10)
		head := f.header
		if f.mark {
			head = "\ufeff" + head
		}
		if _, err := f.buf.WriteString(head); err != nil {
			return unwritable(err)
		}
	}
	if _, err := f.buf.WriteString(raw); err != nil {
		return unwritable(err)
	}
	_, err := f.buf.WriteString(f.lineEnd)
	return unwritable(err)
}

func (f *rejectFile) commit() error {
	if f == nil || f.file == nil {
		return nil
	}
	if err := f.buf.Flush(); err != nil {
		return errors.Join(unwritable(err), f.file.Close())
	}
	return unwritable(f.file.Commit())
}

func (f *rejectFile) close() error {
	if f == nil || f.file == nil {
		return nil
	}
	err := f.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
