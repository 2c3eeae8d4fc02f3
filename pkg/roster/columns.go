package roster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// columns finds the cells of a file by header, and gathers what is wrong with them. Case does not matter.
type columns struct {
	file     string
	header   []string
	at       map[string]int
	problems diag.List
	owners   map[[2]string][]int // of a crosswalk: its rows by system and id
}

func newColumns(file string, header []string) *columns {
	c := &columns{file: file, at: map[string]int{}}
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		c.header = append(c.header, name)
		if _, twice := c.at[strings.ToLower(name)]; twice && name != "" {
			c.fail(1, name, "", "two columns have this header")
		}
		c.at[strings.ToLower(name)] = i
	}
	return c
}

func (c *columns) has(name string) bool {
	_, ok := c.at[strings.ToLower(name)]
	return ok
}

// need notes which columns are missing.
func (c *columns) need(names ...string) {
	for _, name := range names {
		if !c.has(name) {
			c.fail(1, "", "", fmt.Sprintf("there is no column %s%s", name, diag.DidYouMean(name, c.header)))
		}
	}
}

// most is how many problems of a file are listed.
const most = 20

func (c *columns) fail(line int, column, value, message string) {
	if len(c.problems) == most {
		return
	}
	if value != "" {
		message = fmt.Sprintf("%q: %s", value, message)
	}
	if column != "" {
		message = column + " " + message
	}
	p := diag.At(diag.Pos{File: c.file, Line: line}, diag.ConfigFile, "", "%s", message)
	p.Level = diag.LevelError
	c.problems = append(c.problems, p)
}

// unusable is the error of a file with such problems; nil if there are none.
func unusable(file string, problems diag.List) error {
	if len(problems) == 0 {
		return nil
	}
	e := diag.Fail(diag.Usage, diag.ConfigFile, "Correct the lines, then run the command again. Nothing was imported.", "%s cannot be used", file)
	if e.Problems = problems; len(problems) == most {
		e.Message += fmt.Sprintf("; the first %d problems are listed", most)
	}
	return e
}

// row is one row of the file.
type row struct {
	*columns
	cells []string
	line  int
}

func (c *columns) row(cells []string, line int) row {
	r := row{c, cells, line}
	if len(cells) != len(c.header) {
		c.fail(line, "", "", fmt.Sprintf("the line has %s, and the header has %d", diag.Counted(len(cells), "cell", "cells"), len(c.header)))
	}
	return r
}

// text is a cell without the blanks around it; a column that is not there is blank.
func (r row) text(name string) string {
	if i, ok := r.at[strings.ToLower(name)]; ok && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// date is a date as the API writes it, or "".
func (r row) date(name string) string {
	text := r.text(name)
	if text == "" {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		r.fail(name, "is not a date such as 2026-09-01")
	}
	return text
}

func (r row) fail(column, message string) { r.columns.fail(r.line, column, r.text(column), message) }

// must is a cell that may not be blank.
func (r row) must(name string) string {
	text := r.text(name)
	if text == "" {
		r.columns.fail(r.line, name, "", "is blank")
	}
	return text
}

// others are the headers that are none of the known ones.
func (c *columns) others(known []string) (names []string) {
	for _, name := range c.header {
		if name != "" && !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			names = append(names, name)
		}
	}
	return names
}
