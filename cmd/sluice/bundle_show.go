package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// bundleView is what a user of a bundle needs to know of it, and the object of `bundle show --json`.
type bundleView struct {
	Bundle       string      `json:"bundle"`
	Version      string      `json:"version"`
	Assessment   string      `json:"assessment"`
	DataStandard string      `json:"dataStandard"` // a range
	Origin       string      `json:"origin"`
	About        string      `json:"about,omitempty"`
	Params       []paramView `json:"params"`
	Inputs       []inputView `json:"inputs"`
	Tables       []tableView `json:"tables"`
	Readme       string      `json:"readme,omitempty"`
}

type paramView struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"`
	OneOf    []string `json:"oneOf,omitempty"`
	About    string   `json:"about,omitempty"`
}

// inputView is one kind of file; one that comes in several layouts has an entry for each.
type inputView struct {
	Name     string       `json:"name"`
	Layout   string       `json:"layout,omitempty"`
	Format   string       `json:"format"`
	Encoding string       `json:"encoding"`
	Optional bool         `json:"optional,omitempty"`
	About    string       `json:"about,omitempty"`
	Columns  []columnView `json:"columns"`
}

type columnView struct {
	Header   string   `json:"header"`
	Type     string   `json:"type,omitempty"`
	Formats  []string `json:"formats,omitempty"`
	Required bool     `json:"required,omitempty"` // a row without it is rejected
	Ignored  bool     `json:"ignored,omitempty"`
}

type tableView struct {
	Name    string   `json:"name"`
	File    string   `json:"file"`
	Overlay bool     `json:"overlay"` // a tenant may replace and add rows
	Columns []string `json:"columns"`
	Rows    int      `json:"rows"`
	About   string   `json:"about,omitempty"`
}

func (a *app) newBundleShow() *cobra.Command {
	var table string
	var markdown bool
	cmd := &cobra.Command{
		Use:   "show BUNDLE",
		Short: "What a bundle reads: inputs, columns, parameters, tables, README",
		Example: `  sluice bundle show nwea-map-growth
  sluice bundle show nwea-map-growth --table tests      the rows of a table, to copy from
  sluice bundle show ./mine --markdown > mine.md`,
		Args:              exactArgs("BUNDLE"),
		ValidArgsFunction: first(a.completeBundles),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runBundleShow(cmd.Context(), args[0], table, markdown)
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "print the table of this `NAME` as CSV, and nothing else")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "as Markdown, with all columns and the README")
	cmd.MarkFlagsMutuallyExclusive("table", "markdown")
	completes(cmd, "table", a.completeOf("", tablesOf))
	return cmd
}

func (a *app) runBundleShow(ctx context.Context, ref, table string, markdown bool) error {
	b, all, err := a.openBundle(ref)
	if err != nil {
		return err
	}
	if table != "" {
		return a.showTable(b, table)
	}
	program, err := a.compile(ctx, ref, mapping.Config{Bundle: b, Standards: all})
	if err != nil {
		return err
	}
	v, err := viewOf(b, program)
	switch {
	case err != nil:
		return err
	case a.JSON:
		return a.screen.result(v)
	case markdown:
		a.screen.say("%s", v.markdown())
		return nil
	}
	a.printBundle(ref, v)
	return nil
}

// showTable prints a table as it stands in its file.
func (a *app) showTable(b *bundle.Bundle, name string) error {
	files, err := b.TableFiles()
	if err != nil {
		return err
	}
	if files[name] == "" {
		known := slices.Sorted(maps.Keys(files))
		return usage("Its tables are "+strings.Join(known, ", ")+".", "bundle %s has no table %q%s", b.Name, name, diag.DidYouMean(name, known))
	}
	text, err := fs.ReadFile(b.FS, files[name])
	if err != nil {
		return err
	}
	a.screen.say("%s", strings.TrimRight(string(text), "\n"))
	return a.screen.result(map[string]string{"bundle": b.Name, "table": name, "csv": string(text)})
}

func viewOf(b *bundle.Bundle, program *mapping.Program) (*bundleView, error) {
	v := &bundleView{Bundle: b.Name, Version: b.Version, Assessment: strings.TrimSpace(b.Family + " " + b.FamilyVersion),
		DataStandard: b.DataStandard.Value, Origin: b.Origin, About: b.About, Params: []paramView{}}
	for _, p := range b.Params {
		shown := paramView{Name: p.Name.Value, Type: cmp.Or(string(p.Type), "text"), Required: p.Required,
			OneOf: bundle.Values(p.OneOf), About: p.About}
		if p.Default != nil {
			shown.Default = p.Default.Value
		}
		v.Params = append(v.Params, shown)
	}
	for _, in := range b.Inputs {
		contracts, err := program.Contracts(in.Name.Value)
		if err != nil {
			return nil, err
		}
		for _, c := range contracts {
			shown := inputView{Name: in.Name.Value, Layout: c.Layout, Format: c.Format, Encoding: cmp.Or(in.Encoding.Value, "utf-8"),
				Optional: in.Optional, About: in.About}
			for _, col := range c.Columns {
				view := columnView{Header: col.Header, Type: string(col.Type), Formats: col.Formats, Required: col.Required,
					Ignored: col.Type == "" && col.Score == nil}
				if col.Score != nil {
					view.Type = cmp.Or(view.Type, "score")
				}
				shown.Columns = append(shown.Columns, view)
			}
			v.Inputs = append(v.Inputs, shown)
		}
	}
	return v, v.addFiles(b)
}

// addFiles adds what stands in files of their own: the tables and the README.
func (v *bundleView) addFiles(b *bundle.Bundle) error {
	files, err := b.TableFiles()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := b.FS.Open(files[name])
		if err != nil {
			continue // the compiler has said so if it is needed
		}
		rows, err := csv.NewReader(f).ReadAll()
		_ = f.Close()
		if err != nil || len(rows) == 0 {
			continue
		}
		shown := tableView{Name: name, File: files[name], Overlay: b.Overlayable(name), Columns: rows[0], Rows: len(rows) - 1}
		if i := slices.IndexFunc(b.Tables, func(t *bundle.Table) bool { return t.Name.Value == name }); i >= 0 {
			shown.About = b.Tables[i].About
		}
		v.Tables = append(v.Tables, shown)
	}
	if text, err := fs.ReadFile(b.FS, "README.md"); err == nil {
		v.Readme = string(text)
	}
	return nil
}

// section is a part of a view as a table.
type section struct {
	title  string
	header []string
	rows   [][]string
}

// sections are the tables of a view, for screen and Markdown alike.
func (v *bundleView) sections() []section {
	params := section{"Parameters", []string{"parameter", "type", "default", "meaning"}, nil}
	for _, p := range v.Params {
		fallback := p.Default
		if p.Required {
			fallback = "required"
		}
		params.rows = append(params.rows, []string{p.Name, p.Type, fallback, strings.TrimSpace(p.About + oneOf(p.OneOf))})
	}
	all := []section{params}
	for _, in := range v.Inputs {
		s := section{in.title(), []string{"column", "type", "format", ""}, nil}
		for _, c := range in.Columns {
			note := ""
			switch {
			case c.Required:
				note = "required"
			case c.Ignored:
				note = "ignored"
			}
			s.rows = append(s.rows, []string{c.Header, c.Type, strings.Join(c.Formats, " or "), note})
		}
		all = append(all, s)
	}
	tables := section{"Tables", []string{"table", "rows", "a tenant may overlay it", "columns"}, nil}
	for _, t := range v.Tables {
		overlay := "no"
		if t.Overlay {
			overlay = "yes"
		}
		tables.rows = append(tables.rows, []string{t.Name, fmt.Sprint(t.Rows), overlay, strings.Join(t.Columns, ",")})
	}
	return append(all, tables)
}

func oneOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " One of: " + strings.Join(words, ", ") + "."
}

func (in *inputView) title() string {
	title := "Input " + in.Name
	if in.Layout != "" {
		title += ", layout " + in.Layout
	}
	title += fmt.Sprintf(": %s, %s, %s", in.Format, in.Encoding, plural(len(in.Columns), "column"))
	if in.Optional {
		title += ", may be left out"
	}
	return title
}

func (v *bundleView) title() string { return v.Bundle + " " + v.Version + ": " + v.Assessment }

func (a *app) printBundle(ref string, v *bundleView) {
	s := a.screen
	s.say("%s", paint(s.outColour, bold, v.title()))
	s.say("Data Standard %s · %s", v.DataStandard, v.Origin)
	if v.About != "" {
		s.say("%s", v.About)
	}
	for _, part := range v.sections() {
		s.say("\n%s", paint(s.outColour, bold, part.title))
		s.grid(part.header, part.rows)
	}
	s.say("\nthe rows of a table: %s", a.command("bundle", "show", ref, "--table", "NAME"))
	if v.Readme != "" {
		s.say("the README and all of this as Markdown: %s", a.command("bundle", "show", ref, "--markdown"))
	}
}

// markdown is the view as a page: the README first, which says why; then the lists.
func (v *bundleView) markdown() string {
	var b strings.Builder
	if v.Readme == "" {
		fmt.Fprintf(&b, "# %s\n\n%s\n", v.title(), v.About)
	}
	b.WriteString(strings.TrimRight(v.Readme, "\n") + "\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	for _, part := range v.sections() {
		fmt.Fprintf(&b, "\n## %s\n\n", part.title)
		for i, row := range append([][]string{part.header}, part.rows...) {
			for _, c := range row {
				b.WriteString("| " + cell(c) + " ")
			}
			b.WriteString("|\n")
			if i == 0 {
				b.WriteString(strings.Repeat("|---", len(part.header)) + "|\n")
			}
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
