package rejects

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Row is a row to be corrected, with why.
type Row struct {
	Line  int64 // in the vendor's file
	Codes []string
	Cells []string
}

// Read calls use with the rows of a file of rejects/ and its headers. The rows must be as they were written.
func Read(r *runs.Run, was runs.Reject, use func(headers []string, row Row) error) error {
	i := slices.IndexFunc(r.Inputs, func(in runs.Input) bool { return in.Name == was.Input && in.Path == was.From })
	path := r.File(was.File)
	if sum, err := digest(path); err != nil || sum != was.SHA256 || i < 0 || r.Inputs[i].Written == nil {
		return diag.Fail(diag.Usage, diag.ConfigRun, "Transform them again, with --only-rejects-of, and ask of that run.", "the rows in %s are not as the run wrote them", path)
	}
	o := options(r.Inputs[i].Written)
	o.Encoding = "" // they are written as UTF-8
	reader, err := table.Open(path, o)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // read only
	why, err := reasonsOf(r, was)
	if err != nil {
		return err
	}
	headers := reader.Header().Names
	var block table.Block
	var parser table.Parser
	for {
		if err := reader.Next(&block); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for row := range block.Rows(&parser) {
			of, ok := why[runs.NumberCell(int(row.Line))]
			if row.Blank || !ok {
				continue
			}
			of.Cells = row.Cells
			if err := use(headers, of); err != nil {
				return err
			}
		}
	}
}

// reasonsOf are the reasons of a file of rejects/, by the lines of its rows.
func reasonsOf(r *runs.Run, was runs.Reject) (map[string]Row, error) {
	f, err := os.Open(r.File(runs.Beside(was.File, "reasons")))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	lines := csv.NewReader(f)
	if _, err := lines.Read(); err != nil { // the header
		return nil, err
	}
	all := map[string]Row{}
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil || len(cells) < 4 {
			return nil, errors.Join(errors.New("the reasons of rejected rows cannot be read"), err)
		}
		line, err := strconv.ParseInt(cells[0], 10, 64)
		if err != nil {
			return nil, err
		}
		all[cells[1]] = Row{Line: line, Codes: strings.Split(cells[3], "; ")}
	}
}
