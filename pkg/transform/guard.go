package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// guard stops a run whose rows were read and still say that something is wrong with all of them.
// The first rows alone say nothing of all.
func (r *runner) guard(s *staging) error {
	if r.first > 0 {
		return nil
	}
	if n := len(s.retyped); n > 0 {
		e := &diag.Error{Kind: diag.Guarded, Code: diag.FileDrift, Problems: s.retyped, Message: diag.Counted(n, "column holds", "columns hold") + " something other than the bundle reads",
			Next: cmp.Or(s.retyped[0].Fix, "Compare the columns with those of an earlier file, or ask the vendor what has changed.")}
		if n == 1 {
			e.Message = s.retyped[0].File + ": " + s.retyped[0].Message
		}
		return e
	}
	return r.nothingLeft(s)
}

// nothingLeft is the guard against loading nothing in silence: every row was filtered, or another
// district's.
func (r *runner) nothingLeft(s *staging) error {
	total := s.allRows()
	if total.Read == 0 || total.Filtered+total.Other < total.Read {
		return nil
	}
	values := map[string][]string{}
	for _, v := range s.seen {
		values[v.Name] = append(values[v.Name], v.Value)
	}
	if e := r.otherParam(total, values); e != nil {
		return e
	}
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		shown = append(shown, fmt.Sprintf("%s is %s", name, quoted(values[name])))
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
		with = append(with, "the condition of the bundle")
	}
	if total.Other > 0 {
		with = append(with, "the tenant's lea_codes")
	}
	return diag.Fail(diag.Guarded, diag.GuardNothing, "Compare "+strings.Join(with, " and ")+" with the file.",
		"nothing is left to load: of %d rows %d were filtered and %d belong to others%s", total.Read, total.Filtered, total.Other, seen)
}

// allRows adds up what became of the rows of all inputs.
func (s *staging) allRows() (total runs.InputCounts) {
	for _, c := range s.counts.Inputs {
		total.Read, total.Filtered, total.Other = total.Read+c.Read, total.Filtered+c.Filtered, total.Other+c.Other
	}
	return total
}

// otherParam is the error where the condition looks at one thing alone, which a parameter has another value
// for than all rows; seen is what the rows hold. nil: it may be something else.
func (r *runner) otherParam(total runs.InputCounts, seen map[string][]string) error {
	for _, files := range r.files {
		if slices.ContainsFunc(files, func(f *boundFile) bool { return f.plan.Looks() != 1 }) {
			return nil
		}
	}
	for name, values := range seen {
		given, ok := r.program.Params[name]
		if !ok || len(seen) > 1 || len(values) >= mapping.MaxSeen || slices.Contains(values, given) || total.Other > 0 {
			break
		}
		what := strings.ReplaceAll(name, "_", " ")
		return diag.Fail(diag.Guarded, diag.GuardNothing, "If these rows are meant, run it again with --param "+diag.ShellWord(name+"="+values[0])+".",
			"nothing is left to load: %s of %s %s, and the parameter says %s", diag.Counted(int(total.Read), "row is", "rows are all"), what, strings.Join(values, " or "), given)
	}
	return nil
}

// quoted is a list of a few values.
func quoted(values []string) string {
	var all []string
	for _, v := range values[:min(len(values), 5)] {
		all = append(all, `"`+v+`"`)
	}
	return strings.Join(all, ", ")
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
