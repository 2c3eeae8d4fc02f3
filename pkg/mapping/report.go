package mapping

import (
	"maps"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// report is what a walk over the bundle finds. Who is to hear nothing of a walk gives it a report of
// its own, by compiler.fork, and throws that away.
type report struct {
	problems problems
	lints    problems
	uses     uses
	leftOut  map[string]bool // properties that data standard and parameters leave out
}

func newReport() *report {
	return &report{leftOut: map[string]bool{}, uses: uses{names: map[diag.Pos]bool{}, declared: map[diag.Pos]*expression.Symbol{}, tables: map[string]bool{}, rules: map[string]bool{}}}
}

// take adds what another walk found.
func (r *report) take(o *report) {
	for _, p := range o.problems.list {
		r.problems.add(p)
	}
	for _, p := range o.lints.list {
		r.lints.add(p)
	}
	r.uses.take(&o.uses)
	maps.Copy(r.leftOut, o.leftOut)
}

// uses is what a bundle declares, and what of that it uses.
type uses struct {
	names    map[diag.Pos]bool // by where they are declared
	declared map[diag.Pos]*expression.Symbol
	tables   map[string]bool
	rules    map[string]bool // descriptor types
}

// take adds what another walk used.
func (u *uses) take(o *uses) {
	maps.Copy(u.names, o.names)
	maps.Copy(u.declared, o.declared)
	maps.Copy(u.tables, o.tables)
	maps.Copy(u.rules, o.rules)
}

// problems collects what is wrong with a bundle. Parts are compiled again for every element, layout
// and data standard, so the same words at the same place count once.
type problems struct {
	list diag.List
	seen map[diag.Problem]bool
	rows map[diag.Problem]diag.Pos // the table's row that a problem of a record was reported for
	met  int                       // how often something wrong was met, known or not
}

// shared reports whether a problem of a record was reported for another row of its table.
func (p *problems) shared(d diag.Problem, row diag.Pos) bool {
	first, ok := p.rows[d]
	if ok && first != row {
		p.met++
		return true
	}
	if p.rows == nil {
		p.rows = map[diag.Problem]diag.Pos{}
	}
	p.rows[d] = row
	return false
}

func (p *problems) add(d diag.Problem) {
	p.met++
	if p.seen == nil {
		p.seen = map[diag.Problem]bool{}
	}
	if !p.seen[d] {
		p.seen[d] = true
		p.list = append(p.list, d)
	}
}
