package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/inspect"
	"github.com/sluice-edfi/sluice/pkg/source"
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
		standards, err := w.Standards(b)
		if err != nil {
			continue // none of them is embedded
		}
		contracts, err := inspect.Contracts(ctx, b, standards[:1])
		if err != nil {
			return nil, err
		}
		all = append(all, contracts...)
	}
	return all, nil
}

// unread says more of a file that could not be read as the bundle says: how to unpack it, which bundle or
// delimiter it has instead, and what to do where the vendor has changed it. Any other error stays as it is.
func (x *Execution) unread(ctx context.Context, m *prepared, files map[string][]source.Local, err error) error {
	e, ok := diag.AsError(err)
	if !ok || len(e.Problems) == 0 || e.Kind != diag.Guarded {
		return err
	}
	p := e.Problems[0]
	i := slices.IndexFunc(files[p.Input], func(l source.Local) bool { return l.Name == p.File })
	if i < 0 || slices.ContainsFunc(e.Problems, func(o diag.Problem) bool { return o.File != p.File }) {
		return err
	}
	told := *e
	switch e.Code {
	case diag.FileFormat:
		told.Next = x.unpacked(m.request, p.Input, files[p.Input], e.Next)
	case diag.FileDrift:
		x.recognise(ctx, m, files[p.Input][i], &told)
	}
	if told.Message != e.Message {
		told.Problems = diag.List{{Code: e.Code, Level: diag.LevelOf(e.Code), Input: p.Input, File: p.File, Message: told.Message}}
	}
	return &told
}

// unpacked is the command that reads the one packed file of an input; where it cannot be told, advice stays.
func (x *Execution) unpacked(q Request, input string, files []source.Local, advice string) string {
	beginning, err := inspect.Beginning(files[0].Path)
	tool := table.Unpacker(beginning)
	if err != nil || tool == "" || len(files) > 1 || files[0].Path != files[0].Name {
		return advice
	}
	words := []string{x.verb(), q.Bundle}
	for _, in := range q.Inputs {
		if strings.HasPrefix(in, input+"=") {
			in = input + "=-"
		}
		words = append(words, "--input", in)
	}
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		words = append(words, "--param", name+"="+q.Params[name])
	}
	for _, name := range slices.Sorted(maps.Keys(q.Read)) {
		words = append(words, readOptions(name, q.Read[name])...)
	}
	if q.Student != "" {
		words = append(words, "--student", q.Student)
	}
	return "Unpack it on the way: " + tool + " " + diag.ShellWord(files[0].Name) + " | " + x.place.command(append(words, x.tenantWords()...)...)
}

// verb is the command that was given: transform or run.
func (x *Execution) verb() string { return strings.Fields(x.command)[1] }

// tenantWords name the tenant in a command.
func (x *Execution) tenantWords() []string {
	if x.tenant == nil {
		return nil
	}
	return []string{"--tenant", x.tenant.Name}
}

// readOptions are the options for an input whose files are not written as the bundle says.
func readOptions(input string, r bundle.Reading) []string {
	var args []string
	if r.Encoding != "" {
		args = append(args, "--encoding", input+"="+r.Encoding)
	}
	if r.Delimiter != "" {
		args = append(args, "--delimiter", input+"="+r.Delimiter)
	}
	return args
}

// recognise replaces the list of columns that a foreign file lacks by what the file is: one with another
// delimiter, or of another bundle. For one that is neither it says what can be done.
func (x *Execution) recognise(ctx context.Context, m *prepared, file source.Local, e *diag.Error) {
	w := x.place
	in := e.Problems[0].Input
	b := m.program.Bundle
	contracts := slices.DeleteFunc(inspect.ContractsOf(m.program), func(c inspect.Contract) bool { return c.Input != in })
	all, err := w.Contracts(ctx)
	if err != nil || len(contracts) == 0 {
		return
	}
	reads := contracts[0].Options.Delimiter
	h, err := inspect.ReadHead(file.Path, file.Name, slices.Concat(contracts, all), reads)
	if err != nil {
		return
	}
	asRead := *h
	asRead.Delimiter = reads
	had, own := best(asRead.Fits(contracts)), best(h.Fits(contracts))
	other := best(h.Fits(slices.DeleteFunc(all, func(c inspect.Contract) bool { return c.Bundle == b.Name })))
	layout := ""
	if other.Layout != "" {
		layout = "layout " + other.Layout + ", "
	}
	separated := fmt.Sprintf("%s is separated by %s, and bundle %s reads %s", file.Name, table.DelimiterName(h.Delimiter), b.Name, table.DelimiterName(reads))
	switch {
	case other.Matched > own.Matched && nearly(other):
		e.Message = fmt.Sprintf("%s is not a file of bundle %s; it fits %s (%s%d of %d columns)", file.Name, b.Name, other.Bundle, layout, other.Matched, other.Of)
		words := append([]string{x.verb()}, other.Transform(named(file), m.request.Params)[1:]...)
		e.Next = w.command(append(words, x.tenantWords()...)...)
	case own.Matched > had.Matched:
		e.Message = separated
		e.Next = "Export it again with " + table.DelimiterName(reads) + ", or add --delimiter " + diag.ShellWord(in+"="+strings.ReplaceAll(h.Delimiter, "\t", "tab")) + " to the command."
	case own.Of > 0:
		e.Next = lasting(w, b, m.request.Bundle, e)
	case h.Delimiter != reads:
		e.Message = separated + "; its columns are not the bundle's either"
		e.Next = w.command("inspect", named(file))
	case h.NoHeader(contracts[0]):
		e.Message = file.Name + " seems to have no header: where it should be is a line with numbers or dates"
		e.Next = "Export it again, with its header."
	default:
		e.Message = fmt.Sprintf("%s is not a file of bundle %s: it has none or few of its columns", file.Name, b.Name)
		if other.Of > 0 {
			e.Message += fmt.Sprintf("; the nearest bundle is %s (%s%d of %d columns)", other.Bundle, layout, other.Matched, other.Of)
		} else {
			e.Message += ", and no bundle here knows such a file"
		}
		e.Next = w.command("inspect", named(file))
	}
}

// named is what a file is called in a command.
func named(file source.Local) string {
	if file.Path != file.Name { // it is a copy of standard input or of a pipe
		return "-"
	}
	return file.Name
}

// best is the first of some fits; that of nothing if there are none.
func best(fits []inspect.Fit) inspect.Fit {
	if len(fits) == 0 {
		return inspect.Fit{}
	}
	return fits[0]
}

// nearly reports whether a file has nine of ten columns of a contract.
func nearly(f inspect.Fit) bool { return 10*f.Matched >= 9*f.Of }

// lasting says what to do if the vendor has changed the columns for good.
func lasting(w *Workplace, b *bundle.Bundle, ref string, e *diag.Error) string {
	var places []string
	for _, p := range e.Problems {
		at := p.Rule
		if b.Origin == bundle.Embedded {
			at = strings.TrimPrefix(at, b.Path+"/")
		}
		if at != "" && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	if len(places) == 0 || len(places) > 5 {
		places = []string{"bundle.yaml"}
	}
	const ask = "Ask the vendor whether the columns have changed for good. If they have, "
	if b.Origin != bundle.Embedded {
		return ask + "change them in the bundle: " + strings.Join(places, ", ") + "."
	}
	folder := "./" + b.Name
	return ask + "copy the bundle with `" + w.command("bundle", "copy", ref, folder) + "`, write the new headers there (" + strings.Join(places, ", ") + "), and give " + folder + " as the bundle."
}
