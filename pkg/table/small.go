package table

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Record is a row with its line, from 1.
type Record struct {
	Cells []string
	Line  int
}

// ReadAll reads a small CSV that people write: blank lines are not rows, and a row whose quotes do not fit
// together is a problem. The code of the problem is the caller's.
func ReadAll(shown string, text []byte) (header []string, rows []Record, problem *diag.Problem) {
	fail := func(line int, fix, message string) *diag.Problem {
		p := diag.At(diag.Pos{File: shown, Line: line}, "", fix, "%s", message)
		p.Level = diag.LevelError
		return &p
	}
	unreadable := func(err error) *diag.Problem {
		if e, ok := diag.AsError(err); ok && len(e.Problems) == 1 {
			return fail(e.Problems[0].Line, e.Next, e.Message)
		}
		return fail(0, "", "the table cannot be read: "+err.Error())
	}
	src, err := OpenReader(shown, strings.NewReader(string(text)), Options{})
	if err != nil {
		return nil, nil, unreadable(err)
	}
	defer func() { _ = src.Close() }() // read only
	var block Block
	var p Parser
	for {
		if err := src.Next(&block); errors.Is(err, io.EOF) {
			return src.Header().Cells, rows, nil
		} else if err != nil {
			return nil, nil, unreadable(err)
		}
		for row := range block.Rows(&p) {
			switch {
			case row.Blank:
			case row.Malformed != "":
				return nil, nil, fail(int(row.Line), "Double the quotes inside a quoted cell.", row.Malformed)
			default:
				cells := slices.Clone(row.Cells)
				for i := range cells {
					cells[i] = strings.Clone(cells[i])
				}
				rows = append(rows, Record{cells, int(row.Line)})
			}
		}
	}
}
