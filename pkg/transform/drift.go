package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// drift compares the file's columns with the contract, column by column: what is missing with what
// it may have become, and what is new.
func (in *input) drift(b *binding) error {
	var free []string
	for i, h := range b.headers {
		if h != "" && !b.bound[i] && !b.known[h] {
			free = append(free, h)
		}
	}
	list := slices.Clone(b.notes)
	for _, m := range b.missing {
		message := fmt.Sprintf("expected %s (%s); found: no such column", joinHeaders(m.headers), m.what)
		fix := "ask the vendor, or let the bundle name the new header as an alternative"
		if twice, ok := b.index[m.headers[0]+" (1)"]; ok {
			message = fmt.Sprintf("expected %s once (%s); found it more than once, first as column %d", joinHeaders(m.headers), m.what, twice+1)
			fix = "remove the doubled column, or let the bundle name the one meant: " + b.headers[twice]
		} else if near := diag.Nearest(m.headers[0], free, 1); len(near) > 0 {
			message += fmt.Sprintf("; nearest: %q, column %d", near[0], b.index[near[0]]+1)
		}
		list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: in.name, File: b.file,
			Column: m.headers[0], Rule: ruleOf(m.pos), Message: message, Fix: fix})
	}
	for i := range list {
		list[i].Input = in.name
		if list[i].Level == 0 {
			list[i].Level = diag.LevelOf(list[i].Code)
		}
	}
	return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: list, Next: "compare the columns listed; then correct the file, or the bundle for the vendor's new layout",
		Message: fmt.Sprintf("%s does not match its contract: %d of its columns are missing", b.file, len(b.missing)) + b.wrongDelimiter()}
}

// wrongDelimiter ends a message with what the header says of the delimiter.
func (b *binding) wrongDelimiter() string {
	if b.hint == "" {
		return ""
	}
	return "; " + b.hint
}

// nameless notes columns that have no header and yet hold values.
func (s *staging) nameless(f *boundFile, workers []*state) error {
	if len(workers) == 0 {
		return nil
	}
	for i, sum := range workers[0].unnamed {
		for _, r := range workers[1:] {
			u := r.unnamed[i]
			sum.rows += u.rows
			if u.rows > 0 && (sum.first == 0 || u.first < sum.first) {
				sum.first = u.first
			}
		}
		if sum.rows == 0 {
			continue
		}
		if err := s.problems.add(diag.Problem{Code: diag.FileNewColumn, Input: f.place.input, File: f.place.file, Count: sum.rows,
			Message: fmt.Sprintf("column %d has no header, but values in %d rows, first in line %d; they were not read", sum.index+1, sum.rows, sum.first)}); err != nil {
			return err
		}
	}
	return nil
}

// noLayout says for each layout which headers it misses.
func (in *input) noLayout(b *binding) error {
	var list diag.List
	var names []string
	for _, l := range in.def.Layouts {
		names = append(names, l.Name.Value)
		for _, h := range l.Has {
			if _, ok := b.index[expression.TrimSpace(h.Value)]; ok {
				continue
			}
			message := fmt.Sprintf("layout %s: expected %q; found: no such column", l.Name.Value, h.Value)
			if near := diag.Nearest(h.Value, b.headers, 1); len(near) > 0 {
				message += fmt.Sprintf("; nearest: %q", near[0])
			}
			list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: in.name, File: b.file, Column: h.Value, Rule: ruleOf(h.Pos), Message: message})
		}
	}
	return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: list, Next: "check that this is the right file for the bundle; else the bundle needs a layout for it",
		Message: fmt.Sprintf("%s is in none of the layouts that the bundle knows (%s)", b.file, strings.Join(names, ", ")) + b.wrongDelimiter()}
}
