package mapping

import (
	"maps"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// report is what a walk over the bundle finds. Who is to hear nothing of a walk gives it a report of
// its own, by compiler.fork, and throws that away.
type report struct {
	problems diag.Distinct
	lints    diag.Distinct
	uses     uses
	leftOut  map[string]bool // properties that data standard and parameters leave out
}

func newReport() *report {
	return &report{leftOut: map[string]bool{}, uses: uses{names: map[diag.Pos]bool{}, declared: map[diag.Pos]*expression.Symbol{}, tables: map[string]bool{}, rules: map[string]bool{}}}
}

// take adds what another walk found.
func (r *report) take(o *report) {
	for _, p := range o.problems.List {
		r.problems.Add(p)
	}
	for _, p := range o.lints.List {
		r.lints.Add(p)
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
