package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// guard stops a run whose rows were read and still say that something is wrong with all of them.
// The first rows alone say nothing of all.
func (r *runner) guard(s *staging) error {
	if r.first > 0 {
		return nil
	}
	if len(s.retyped) > 0 {
		return &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: s.retyped, Next: "Look at the column in the file; then correct the file, or the bundle for the vendor's new form.",
			Message: diag.Counted(len(s.retyped), "column holds", "columns hold") + " something other than the contract says"}
	}
	return s.nothingLeft()
}

// nothingLeft is the guard against loading nothing in silence: every row was filtered, or another
// district's.
func (s *staging) nothingLeft() error {
	var total runs.InputCounts
	for _, c := range s.counts.Inputs {
		total.Read += c.Read
		total.Filtered += c.Filtered
		total.Other += c.Other
	}
	if total.Read == 0 || total.Filtered+total.Other < total.Read {
		return nil
	}
	values := map[string][]string{}
	for _, v := range s.seen {
		values[v.Name] = append(values[v.Name], `"`+v.Value+`"`)
	}
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown = append(shown, fmt.Sprintf("%s is %s", name, strings.Join(values[name][:min(len(values[name]), 5)], ", ")))
	}
	seen := ""
	if len(shown) > 0 {
		seen = "; in the rows " + strings.Join(shown, "; ")
	}
	var with []string
	if len(s.program.Params) > 0 {
		with = append(with, "the parameters ("+paramText(s.program.Params)+")")
	}
	if total.Filtered > 0 {
		with = append(with, "the bundle's `when`")
	}
	if total.Other > 0 {
		with = append(with, "the tenant's lea_codes")
	}
	return diag.Fail(diag.Guarded, diag.GuardNothing, "Compare "+strings.Join(with, " and ")+" with the file.",
		"nothing is left to load: of %d rows %d were filtered and %d belong to others%s", total.Read, total.Filtered, total.Other, seen)
}

func paramText(params map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		list = append(list, name+"="+params[name])
	}
	return strings.Join(list, ", ")
}

// finish adds the counts up, and hands on what is said of the whole run.
func (s *staging) finish() error {
	for _, out := range s.outputs {
		s.counts.Resources[out.name] = out.counts
	}
	if err := s.checkEquation(); err != nil {
		return err
	}
	if err := s.reportUnmapped(); err != nil {
		return err
	}
	if err := s.reportMappings(); err != nil {
		return err
	}
	return s.unlisted()
}

// checkEquation says whether every row is accounted for.
func (s *staging) checkEquation() error {
	for _, name := range slices.Sorted(maps.Keys(s.counts.Inputs)) {
		if c := s.counts.Inputs[name]; !c.Equation(name).Holds() {
			return diag.Fail(diag.Guarded, diag.GuardEquation, "", "the rows of %s do not add up: %+v", name, c)
		}
	}
	return nil
}
