package rejects

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// renumber writes into the problems of transform on which lines of rejects/ their rows are now.
func (u *update) renumber() error {
	if !u.moved {
		return nil
	}
	problems, err := u.run.NewProblems(runs.Transform)
	if err != nil {
		return err
	}
	defer problems.Close() //nolint:errcheck // a list that was committed is closed already
	lines := &rejectLines{update: u, file: -1}
	defer lines.close()
	var failed error
	err = u.run.EachProblem(runs.Transform, func(p diag.Problem) {
		file, known := u.files[[2]string{p.Input, p.File}]
		if p.RejectLine > 0 && known && failed == nil {
			p.RejectLine, failed = lines.of(file, p.Line, p.RejectLine)
		}
		if failed == nil {
			failed = problems.Add(p)
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return problems.Commit()
}

// rejectLines tells on which line of rejects/ a row stands. Rows are asked for in their order.
type rejectLines struct {
	*update
	file     int
	reasons  *os.File // nil: there are none
	rows     *csv.Reader
	line, at int // of the row at hand: in the vendor's file, and in rejects/
}

// of is the line of a row, or else if it is not there.
func (l *rejectLines) of(file, line, otherwise int) (int, error) {
	if file != l.file {
		if err := l.open(file); err != nil {
			return 0, err
		}
	}
	for l.reasons != nil && l.line < line {
		cells, err := l.rows.Read()
		if errors.Is(err, io.EOF) {
			return otherwise, nil
		}
		if err != nil {
			return 0, err
		}
		l.line, _ = strconv.Atoi(cells[0]) // 0 for the header
		l.at, _ = strconv.Atoi(cells[1])
	}
	if l.line == line {
		return l.at, nil
	}
	return otherwise, nil
}

func (l *rejectLines) open(file int) (err error) {
	l.close()
	l.file, l.line = file, 0
	in := l.run.Inputs[file]
	for _, r := range l.run.ToCorrect {
		if r.Rows == 0 || r.Input != in.Name || r.From != in.Path {
			continue
		}
		l.reasons, err = os.Open(l.run.File(runs.Beside(r.File, "reasons")))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		l.rows = csv.NewReader(l.reasons)
	}
	return err
}

func (l *rejectLines) close() {
	if l.reasons != nil {
		_ = l.reasons.Close() // read only
		l.reasons = nil
	}
}
