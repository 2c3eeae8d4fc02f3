package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// drift says how the file's header differs from the contract.
func (in *Input) drift(b *binding) *table.Drift {
	d := &table.Drift{Input: in.Name, File: b.file, Hint: b.hint, Headers: b.headers, Unknown: b.free(nil), New: b.free(in.ignored)}
	for h := range b.known {
		if _, ok := b.index[h]; ok {
			d.Have++
		}
	}
	for _, m := range b.missing {
		d.Missing = append(d.Missing, table.Missing{Headers: m.headers, What: m.what, Fix: m.fix, Rule: m.pos.Rule()})
	}
	return d
}

// free is the headers that nothing binds or asks for, but those that are known otherwise.
func (b *binding) free(known func(header string) bool) (free []string) {
	for i, h := range b.headers {
		if h != "" && !b.bound[i] && !b.known[h] && (known == nil || !known(h)) {
			free = append(free, h)
		}
	}
	return free
}

// wantElements adds what is missing of lists. An element whose columns the file lacks is one that the
// file's layout does not have only if the file has nothing new, which may be what its columns are called
// now; and a list without any element only if the bundle says that such files exist.
func (b *binding) wantElements(in *Input) {
	free := b.free(func(h string) bool { return b.elsewhere[h] || in.ignored(h) })
	for _, g := range b.gaps {
		w := want{what: "an element of the list " + g.list.Path, pos: g.list.Def.Name.Pos}
		expected := g.expected
		if len(free) == 0 {
			if b.able[g.list] || g.list.Def.Optional || len(expected) == 0 {
				continue
			}
			w.what = "the list " + g.list.Path + ", none of whose columns the file has"
			expected = expected[:1]
		}
		for _, headers := range expected {
			w.headers = []string{nearestOf(headers, free)}
			b.missing = append(b.missing, w)
		}
	}
}

// nearestOf is that of some headers which is most like one of others, or the first.
func nearestOf(headers, others []string) string {
	near := slices.IndexFunc(headers, func(h string) bool { return len(diag.Nearest(h, others, 1)) > 0 })
	return headers[max(near, 0)]
}

// minRetyped is how many cells a column must have for `none of them fits` to mean another type.
const minRetyped = 10

// Retyped lists columns none of whose cells fits: the vendor has changed what stands in them, or a
// spreadsheet has. One cell is shown, unless it is a student's.
func (pl *Plan) Retyped(workers []*Worker) diag.List {
	var list diag.List
	for i, bc := range pl.columns {
		var sum fits
		for _, r := range workers {
			f := r.fits[i]
			if f.first != nil && (sum.first == nil || f.line < sum.line) {
				sum.first, sum.line = f.first, f.line
			}
			sum.fit, sum.unfit = sum.fit+f.fit, sum.unfit+f.unfit
		}
		if sum.fit > 0 || sum.unfit < minRetyped {
			continue
		}
		shown, why := fmt.Sprintf("%q", sum.first.Value), strings.TrimPrefix(sum.first.Message, bc.header+": the value ")
		if bc.def.Personal || diag.Identifies(sum.first.Value, true) {
			shown = "the value"
		}
		list = append(list, diag.Problem{Code: diag.FileDrift, Level: diag.LevelOf(diag.FileDrift), Input: workers[0].place.Input, File: workers[0].place.File,
			Line: int(sum.line), Column: bc.header, Rule: bc.def.Pos.Rule(), Count: int(sum.unfit), Fix: sum.first.Fix,
			Message: fmt.Sprintf("none of the %d cells of %s fits: in line %d, %s %s", sum.unfit, bc.header, sum.line, shown, why)})
	}
	return list
}

// double is two columns of the file for one name: one is read, the other is not.
type double struct {
	read, other int
	what        string
	pos         diag.Pos
	nulls       []string
}

func (d double) same(o double) bool { return d.read == o.read && d.other == o.other && d.pos == o.pos }

// compareDoubles counts the rows where the column that is not read has a value and the one that is has
// none.
func (r *Worker) compareDoubles() {
	for i, d := range r.plan.doubles {
		has := func(at int) bool { return !expression.IsNullCell(expression.TrimSpace(r.frame.Cells[at]), d.nulls) }
		if has(d.other) && !has(d.read) {
			r.lost[i].see(r.line)
		}
	}
}

// Doubles lists names that two columns of the file could be, with the rows whose values were not read.
func (pl *Plan) Doubles(workers []*Worker) diag.List {
	var list diag.List
	for i, d := range pl.doubles {
		read, other := pl.headers[d.read], pl.headers[d.other]
		sum := total(workers, func(r *Worker) tally { return r.lost[i] })
		p := diag.Problem{Code: diag.FileAlternatives, Input: workers[0].place.Input, File: workers[0].place.File, Column: other, Rule: d.pos.Rule(), Count: sum.rows,
			Message: fmt.Sprintf("%s and %s are both in the file; %s reads %s", read, other, d.what, read)}
		if sum.rows > 0 {
			p.Message += fmt.Sprintf(", which is empty in rows where %s has a value (%d, first in line %d)", other, sum.rows, sum.first)
		}
		list = append(list, p)
	}
	return list
}

// Nameless lists columns that have no header and yet hold values.
func (pl *Plan) Nameless(workers []*Worker) diag.List {
	var list diag.List
	for i, index := range pl.unnamed {
		sum := total(workers, func(r *Worker) tally { return r.unnamed[i] })
		if sum.rows > 0 {
			list = append(list, diag.Problem{Code: diag.FileNewColumn, Input: workers[0].place.Input, File: workers[0].place.File, Count: sum.rows,
				Message: fmt.Sprintf("column %d has no header, but values in %s, first in line %d; they were not read", index+1, diag.Counted(sum.rows, "row", "rows"), sum.first)})
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
			if _, ok := b.index[expression.TrimSpace(h.Value)]; !ok {
				list = append(list, diag.Problem{Column: h.Value, Rule: h.Pos.Rule(), Message: fmt.Sprintf("the layout %s has a column %q, and the file has none", l.Name.Value, h.Value)})
			}
		}
	}
	return in.drift(b).Stop(list, "is in none of the layouts that are known: "+strings.Join(names, ", "))
}
