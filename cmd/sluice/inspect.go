package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/inspect"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/source"
)

func (a *app) newInspect() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE…",
		Short: "What is this file? Which bundle fits, what is in each column",
		Long: `Reads a file and says which bundle and layout fit it, or which come nearest and what differs; how it
is written; and for each column the type that fits, how many cells are blank, and its range or its
most frequent values. Nothing is written.

FILE may be a pattern, a pipe, or - for standard input. A file that cannot be read does not keep
the others from being read.

Values are shown for columns with few different ones, and ranges for short numbers, but never for
columns whose names suggest people or identifiers, nor what looks like one. Of a file without a
header, nothing of its first line is shown.`,
		Example: "  sluice inspect export.csv\n  sluice inspect inbound/*.csv --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("See `"+cmd.CommandPath()+" --help`.", "FILE is missing")
			}
			return nil
		},
		RunE: a.action(func(cmd *cobra.Command, args []string) (runs.Outcome, error) {
			return a.runInspect(cmd.Context(), args)
		}),
	}
}

// unreadable is a file of which --json can only say why it cannot be read.
type unreadable struct {
	Path  string `json:"path"`
	Error struct {
		Code    diag.Code `json:"code"`
		Message string    `json:"message"`
		Fix     string    `json:"fix"`
		Next    []string  `json:"next,omitempty"`
	} `json:"error"`
}

// runInspect says of each file what it is. One that cannot be read does not keep the others from being read.
func (a *app) runInspect(ctx context.Context, args []string) (runs.Outcome, error) {
	place, broken := a.workplace()
	contracts, err := place.Contracts(ctx)
	if err = cmp.Or(broken, err); err != nil { // a file can be looked at whatever is wrong with the settings
		place.Config.Bundles = nil
		if e, ok := diag.AsError(err); ok {
			a.screen.problems(a.screen.err, e.Problems)
		}
		a.screen.sayError("only the bundles in this binary are tried: %s", err)
		if contracts, err = place.Contracts(ctx); err != nil {
			return 0, err
		}
	}
	var paths []string
	for _, arg := range args {
		found, err := []string{arg}, error(nil)
		if arg != source.Stdin {
			found, err = source.Expand(arg)
		}
		switch {
		case err != nil && len(args) == 1:
			return 0, err
		case err != nil:
			found = []string{arg} // what is wrong is said in its turn
		case len(found) == 0:
			return 0, diag.Fail(diag.Usage, diag.ConfigFile, "Check the pattern.", "no file matches %s", arg)
		}
		paths = append(paths, found...)
	}
	all, worst := []any{}, runs.Done
	for i, path := range paths {
		if i > 0 {
			a.screen.say("")
		}
		f, err := inspectFile(ctx, place, path, contracts)
		e, explained := diag.AsError(err)
		switch {
		case err == nil:
			all = append(all, f)
			a.printFile(f, path)
			continue
		case len(paths) == 1 || !explained:
			return pipeline.OutcomeOf(ctx, err), err
		}
		outcome := pipeline.OutcomeOf(ctx, err)
		worst = max(worst, outcome)
		bad := unreadable{Path: path}
		bad.Error.Code, bad.Error.Message, bad.Error.Fix, bad.Error.Next = e.Code, e.Error(), e.Advice(), a.nextWords(nil, e.Advice())
		all = append(all, bad)
		if !a.JSON {
			a.printError(err, outcome)
		}
	}
	return worst, a.screen.result(map[string]any{"files": all})
}

// inspect reads a file, or a copy of standard input or of a pipe.
func inspectFile(ctx context.Context, place *pipeline.Workplace, path string, contracts []inspect.Contract) (*inspect.File, error) {
	files, remove, err := source.Fetch(ctx, []source.Input{{Paths: []string{path}}}, os.TempDir(), place.Stdin)
	if err != nil {
		return nil, err
	}
	f, err := inspect.Read(ctx, files[""][0].Path, files[""][0].Name, contracts)
	return f, errors.Join(err, remove())
}

func (a *app) printFile(f *inspect.File, path string) {
	s := a.screen
	s.say("%s", paint(s.outColour, bold, f.Path))
	s.say("%s separated by %s, %s, line ends %s, %s, %s", plural(len(f.Columns), "column"), f.Separator(),
		f.Encoding, f.LineEnds, plural(int(f.Rows), "row"), report.Size(f.Bytes))
	if f.Odd > 0 {
		s.say("%s malformed: the first, in line %d, has a different number of cells than the header, or quotes that do not match",
			diag.Counted(int(f.Odd), "row is", "rows are"), f.FirstOdd)
	}
	if f.NoHeader {
		s.say("line 1 looks like a row and not like a header, so neither names of columns nor values are shown")
	}
	a.printFits(f, path)
	var rows [][]string
	for i, c := range f.Columns {
		if c.Header == "" {
			c.Header = fmt.Sprintf("(column %d)", i+1)
		}
		rows = append(rows, []string{c.Header, strings.TrimSpace(c.Type + " " + c.Format), fmt.Sprint(c.Blank), distinct(c), example(c)})
	}
	s.say("")
	s.gridCut([]string{"column", "type", "blank", "distinct", "values"}, rows)
}

// printFits says which bundles a file fits, and the command that reads it.
func (a *app) printFits(f *inspect.File, path string) {
	s := a.screen
	if len(f.Fits) == 0 {
		s.say("no bundle here knows such a file; `sluice docs show first-bundle` goes from such a file to one")
		return
	}
	for i, fit := range f.Fits {
		layout := ""
		if fit.Layout != "" {
			layout = ", layout " + fit.Layout
		}
		word := "nearest: "
		switch {
		case fit.Whole():
			word = "fits "
		case i > 0:
			word = "or: "
		}
		s.say("%s%s %s, input %s%s: %d of %d columns", word, fit.Bundle, fit.Version, fit.Input, layout, fit.Matched, fit.Of)
		if fit.Whole() {
			s.say("  → %s", a.command(append(fit.Transform(path, nil), "--preview", "3")...))
			if len(fit.Params) > 0 {
				s.say("    what VALUE means, and what else the bundle reads: %s", a.command("bundle", "show", fit.Bundle))
			}
			return
		}
		few("  missing: ", fit.Missing, s)
		few("  not known to the bundle: ", fit.Further, s)
	}
}

// few prints the first names of a list.
func few(title string, names []string, s *screen) {
	const most = 10
	if len(names) == 0 {
		return
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
	}
	quoted := slices.Clone(names[:min(len(names), most)])
	for i := range quoted {
		quoted[i] = fmt.Sprintf("%q", quoted[i])
	}
	s.say("%s%s%s", title, strings.Join(quoted, ", "), more)
}

func distinct(c inspect.Column) string {
	if c.Many {
		return fmt.Sprintf("over %d", c.Distinct)
	}
	return fmt.Sprint(c.Distinct)
}

// example is what may be shown of a column's values.
func example(c inspect.Column) string {
	switch {
	case c.Hidden && c.Filled > 0:
		return "(not shown)"
	case c.Low == c.High && c.Low != "":
		return c.Low
	case c.Low != "":
		return c.Low + " … " + c.High
	}
	more := ""
	if len(c.Values) > 0 && c.Distinct > len(c.Values) {
		more = ", …"
	}
	return strings.Join(c.Values, ", ") + more
}
