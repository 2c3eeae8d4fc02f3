package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/inspect"
	"github.com/sluice-edfi/sluice/pkg/report"
)

func (a *app) newInspect() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE…",
		Short: "What is this file? Which bundle fits, what is in each column",
		Long: `Reads a file and says which bundle and layout fit it, or which come nearest and what differs; how it
is written; and for each column the type that fits, how many cells are blank, and its range or its
most frequent values. Nothing is written.

Values are shown for columns with few different ones, and ranges for numbers, but never for columns
whose names suggest people or identifiers.`,
		Example: "  sluice inspect export.csv\n  sluice inspect inbound/*.csv --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("see `"+cmd.CommandPath()+" --help`", "FILE is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.runInspect(cmd.Context(), args) },
	}
}

func (a *app) runInspect(ctx context.Context, paths []string) error {
	place, err := a.workplace()
	if err != nil {
		return err
	}
	contracts, err := place.Contracts(ctx)
	if err != nil {
		return err
	}
	var all []*inspect.File
	for i, path := range paths {
		f, err := inspect.Read(ctx, path, contracts)
		if err != nil {
			return err
		}
		all = append(all, f)
		if i > 0 {
			a.screen.say("")
		}
		a.printFile(f)
	}
	return a.screen.result(map[string]any{"files": all})
}

func (a *app) printFile(f *inspect.File) {
	s := a.screen
	s.say("%s", paint(s.outColour, bold, f.Path))
	s.say("%s separated by %s, %s, line ends %s, %s, %s", plural(len(f.Columns), "column"), inspect.DelimiterName(f.Delimiter),
		f.Encoding, f.LineEnds, plural(int(f.Rows), "row"), report.Size(f.Bytes))
	if f.Odd > 0 {
		s.say("%s not whole: the first, in line %d, has a different number of cells than the header, or quotes that do not match",
			diag.Counted(int(f.Odd), "row is", "rows are"), f.FirstOdd)
	}
	if f.NoHeader {
		s.say("line 1 holds a number or a date: it may be a row and not the header, so no values are shown")
	}
	a.printFits(f)
	var rows [][]string
	for _, c := range f.Columns {
		rows = append(rows, []string{c.Header, strings.TrimSpace(c.Type + " " + c.Format), fmt.Sprint(c.Blank), distinct(c), example(c)})
	}
	s.say("")
	s.gridCut([]string{"column", "type", "blank", "distinct", "values"}, rows)
}

// printFits says which bundles a file fits, and the command that reads it.
func (a *app) printFits(f *inspect.File) {
	s := a.screen
	if len(f.Fits) == 0 {
		s.say("no bundle here knows such a file; `sluice help bundles` says how one is made")
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
			s.say("  → %s", a.command(append(fit.Transform(shownPath(f.Path)), "--preview", "3")...))
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
