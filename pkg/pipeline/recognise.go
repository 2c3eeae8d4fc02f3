package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/inspect"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Contracts are those of all bundles that can be used.
func (w *Workplace) Contracts(ctx context.Context) ([]inspect.Contract, error) {
	listed, err := w.Library().List()
	if err != nil {
		return nil, err
	}
	var all []inspect.Contract
	for _, l := range listed {
		b, problems, err := w.Library().Open(l.Name)
		if err != nil || problems.Blocks() {
			continue // `bundle list` says so
		}
		standards, err := w.Standards(b, "")
		if err != nil {
			continue // none of them is embedded
		}
		contracts, err := inspect.Contracts(ctx, b, standards)
		if err != nil {
			return nil, err
		}
		all = append(all, contracts...)
	}
	return all, nil
}

// recognise replaces the list of columns that a foreign file lacks by what the file is: one with
// another delimiter, or of another bundle. Any other error stays as it is.
func (x *Execution) recognise(ctx context.Context, err error) error {
	e, ok := diag.AsError(err)
	if !ok || e.Code != diag.FileDrift || len(e.Problems) == 0 {
		return err
	}
	in, path := e.Problems[0].Input, e.Problems[0].File
	name, def := x.prepared.program.Bundle.Name, x.prepared.program.Bundle.Input(in)
	if def == nil {
		return err
	}
	reads := cmp.Or(def.Delimiter, table.FormatOf(def.Format.Value).Delimiter)
	names, delimiter, failed := inspect.Header(path, reads)
	if failed != nil {
		return err
	}
	with := func(message, next string) error {
		told := *e
		told.Message, told.Next, told.Problems = message, next, nil
		return &told
	}
	if delimiter != reads && len(names) > 1 {
		wanted := inspect.DelimiterName(reads)
		return with(fmt.Sprintf("%s is separated by %s, and bundle %s reads %s", path, inspect.DelimiterName(delimiter), name, wanted),
			"export it again with "+wanted+", or add --delimiter "+diag.ShellWord(in+"="+strings.ReplaceAll(delimiter, "\t", "tab")))
	}
	contracts, failed := x.place.Contracts(ctx)
	if failed != nil {
		return err
	}
	own, fits := inspect.Fits(names, inspect.ContractsOf(x.prepared.program)), inspect.Fits(names, contracts)
	if len(own)+len(fits) == 0 {
		return with(fmt.Sprintf("%s is not a file of bundle %s: none or few of its columns are there; no bundle here knows such a file", path, name),
			"look at it with `"+x.place.command("inspect", path)+"`")
	}
	if len(fits) == 0 || fits[0].Bundle == name || len(own) > 0 && own[0].Matched >= fits[0].Matched || !nearly(fits[0]) {
		return err
	}
	best, layout := fits[0], ""
	if best.Layout != "" {
		layout = "layout " + best.Layout + ", "
	}
	return with(fmt.Sprintf("%s is not a file of bundle %s; it fits %s (%s%d of %d columns)", path, name, best.Bundle, layout, best.Matched, best.Of),
		x.place.command(best.Transform(path)...))
}

// nearly reports whether a file has nine of ten columns of a contract.
func nearly(f inspect.Fit) bool { return 10*f.Matched >= 9*f.Of }
