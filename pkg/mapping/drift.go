package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// drift compares the file's columns with the contract, column by column: what is missing with what
// it may have become, and what is new.
func (in *Input) drift(b *binding) error {
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
		list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: in.Name, File: b.file,
			Column: m.headers[0], Rule: m.pos.Rule(), Message: message, Fix: fix})
	}
	for i := range list {
		list[i].Input = in.Name
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

// minRetyped is how many cells a column must have for `none of them fits` to mean another type.
const minRetyped = 10

// Retyped lists columns none of whose cells fits: the vendor has changed what stands in them.
func (pl *Plan) Retyped(workers []*Worker) diag.List {
	var list diag.List
	for i, bc := range pl.columns {
		var sum fits
		for _, r := range workers {
			sum.fit, sum.unfit = sum.fit+r.fits[i].fit, sum.unfit+r.fits[i].unfit
		}
		if sum.fit > 0 || sum.unfit < minRetyped {
			continue
		}
		list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: workers[0].place.Input, File: workers[0].place.File, Column: bc.header, Rule: bc.def.Pos.Rule(),
			Count: int(sum.unfit), Message: fmt.Sprintf("expected %s in %s; found: none of its %d cells is one", expression.WithArticle(bc.Kind), bc.header, sum.unfit)})
	}
	return list
}

// Nameless lists columns that have no header and yet hold values.
func (pl *Plan) Nameless(workers []*Worker) diag.List {
	var list diag.List
	for i, index := range pl.unnamed {
		var sum unnamedColumn
		for _, r := range workers {
			u := r.unnamed[i]
			sum.rows += u.rows
			if u.rows > 0 && (sum.first == 0 || u.first < sum.first) {
				sum.first = u.first
			}
		}
		if sum.rows > 0 {
			list = append(list, diag.Problem{Code: diag.FileNewColumn, Input: workers[0].place.Input, File: workers[0].place.File, Count: sum.rows,
				Message: fmt.Sprintf("column %d has no header, but values in %d rows, first in line %d; they were not read", index+1, sum.rows, sum.first)})
		}
	}
	return list
}

// noLayout says for each layout which headers it misses.
func (in *Input) noLayout(b *binding) error {
	var list diag.List
	var names []string
	for _, l := range in.Def.Layouts {
		names = append(names, l.Name.Value)
		for _, h := range l.Has {
			if _, ok := b.index[expression.TrimSpace(h.Value)]; ok {
				continue
			}
			message := fmt.Sprintf("layout %s: expected %q; found: no such column", l.Name.Value, h.Value)
			if near := diag.Nearest(h.Value, b.headers, 1); len(near) > 0 {
				message += fmt.Sprintf("; nearest: %q", near[0])
			}
			list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: in.Name, File: b.file, Column: h.Value, Rule: h.Pos.Rule(), Message: message})
		}
	}
	return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: list, Next: "check that this is the right file for the bundle; else the bundle needs a layout for it",
		Message: fmt.Sprintf("%s is in none of the layouts that the bundle knows (%s)", b.file, strings.Join(names, ", ")) + b.wrongDelimiter()}
}
