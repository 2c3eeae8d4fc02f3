package pipeline

import (
	"maps"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// needs names at once all inputs and parameters that a bundle needs and that were not given; params are
// those of the command line and of the tenant, ref is how the bundle was named.
func (w *Workplace) needs(ref string, b *bundle.Bundle, inputs []string, params map[string]string) error {
	for _, s := range inputs {
		if name, _, ok := strings.Cut(s, "="); !ok || b.Input(name) == nil {
			return nil // what is mistyped is said where names are compared
		}
	}
	var list diag.List
	add := func(code diag.Code, about, fix, what string) {
		if about != "" {
			what += ": " + strings.TrimSpace(about)
		}
		list = append(list, diag.Problem{Code: code, Level: diag.LevelOf(code), Message: what, Fix: fix})
	}
	for _, in := range b.Inputs {
		given := slices.ContainsFunc(inputs, func(s string) bool { return strings.HasPrefix(s, in.Name.Value+"=") })
		if !in.Optional && !given {
			add(diag.ConfigInput, in.About, "Add --input "+in.Name.Value+"=FILE.", "the input "+in.Name.Value+" is not given")
		}
	}
	for _, p := range b.Params {
		if _, given := params[p.Name.Value]; p.Required && !given {
			fix := "Add --param " + p.Name.Value + "=…, or write it under `params:` of the tenant."
			if near := diag.Nearest(p.Name.Value, slices.Sorted(maps.Keys(params)), 1); len(near) > 0 {
				fix = "Write " + p.Name.Value + " in place of " + near[0] + "."
			}
			add(diag.ConfigParam, p.About, fix, "the parameter "+p.Name.Value+" is missing")
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &diag.Error{Kind: diag.Usage, Code: list[0].Code, Problems: list, Next: "See `" + w.command("bundle", "show", ref) + "`.",
		Message: "bundle " + b.Name + " needs more than was given; nothing was run"}
}
