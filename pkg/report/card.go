package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// card is a cause as the page shows it.
type card struct {
	Group
	Times      string   // how many rows or times; empty: once
	MoreValues bool     // there are more than those that are shown
	Where      []string // lines, by file
	Paste      []paste
}

// paste is the rows that a table lacks.
type paste struct {
	Missing
	Rows []string
}

// In is a cause as this page shows it.
func (v view) In(g Group) card {
	c := card{Group: g}
	if g.Count > 1 {
		c.Times = thousands(g.Count) + " ×"
	}
	if len(g.Lines) > 0 && g.Level <= diag.LevelError {
		c.Times = thousands(g.Rows) + " rows"
		if g.Rows == 1 {
			c.Times = "1 row"
		}
	}
	sum := int64(0)
	for _, value := range g.Values {
		sum += value.Count
		if m := value.Missing; m != nil {
			i := slices.IndexFunc(c.Paste, func(p paste) bool { return p.File == m.File })
			if i < 0 {
				i, c.Paste = len(c.Paste), append(c.Paste, paste{Missing: *m})
			}
			c.Paste[i].Rows = append(c.Paste[i].Rows, m.Row)
		}
	}
	c.MoreValues = len(g.Values) > 0 && sum < g.Count
	c.Where = v.Places(g)
	return c
}

// Places are the first lines that a cause stands in, by file, and how many more rows there are.
func (rep *Report) Places(g Group) (all []string) {
	for _, f := range byFile(g.Lines) {
		all = append(all, f.in(rep.name(f.File)))
	}
	if n := g.Rows - int64(len(g.Lines)); n > 0 && len(all) > 0 {
		all[len(all)-1] += fmt.Sprintf(" and %s more", thousands(n))
	}
	if len(all) == 0 && g.First != "" {
		all = []string{"first at " + g.First}
	}
	return all
}

// name is a file of the run as people call it: without its folder, if no other input has that name.
func (rep *Report) name(file string) string {
	short := filepath.Base(file)
	if !slices.ContainsFunc(rep.Inputs, func(in runs.Input) bool { return in.Path == file }) {
		return file // a table of the bundle or the tenant
	}
	for _, in := range rep.Inputs {
		if in.Path != file && filepath.Base(in.Path) == short {
			return file
		}
	}
	return short
}

// fileLines are lines of one file.
type fileLines struct {
	File  string
	Lines []string
}

func (f fileLines) in(name string) string {
	word := " lines "
	if len(f.Lines) == 1 {
		word = " line "
	}
	return name + word + strings.Join(f.Lines, ", ")
}

// byFile puts the lines of each file together.
func byFile(all []Place) []fileLines {
	var files []fileLines
	for _, p := range all {
		i := slices.IndexFunc(files, func(f fileLines) bool { return f.File == p.File })
		if i < 0 {
			i, files = len(files), append(files, fileLines{File: p.File})
		}
		files[i].Lines = append(files[i].Lines, fmt.Sprint(p.Line))
	}
	return files
}
