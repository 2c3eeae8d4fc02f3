package tenant

import (
	"time"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// acknowledge is the list of warnings that somebody has looked at: each with a day until which that holds, and why.
func (r *reader) acknowledge(n *strictyaml.Node, what string) (all []diag.Acknowledgement) {
	if n.Kind != strictyaml.List {
		r.bad(n, diag.ConfigKey, `Write "- {code: …, until: …, why: …}" for each.`, "%s must be a list", what)
		return nil
	}
	for _, item := range n.Items {
		a := diag.Acknowledgement{Pos: item.Pos}
		r.keys(item, what, map[string]func(*strictyaml.Node){
			"code":     func(n *strictyaml.Node) { a.Code = r.warning(n, what) },
			"until":    func(n *strictyaml.Node) { a.Until = r.day(n, what) },
			"why":      func(n *strictyaml.Node) { a.Why = r.text(n, what+": why") },
			"bundle":   func(n *strictyaml.Node) { a.Bundle = r.text(n, what+": bundle") },
			"resource": func(n *strictyaml.Node) { a.Resource = r.text(n, what+": resource") },
			"rule":     func(n *strictyaml.Node) { a.Rule = r.text(n, what+": rule") },
		})
		if item.Kind == strictyaml.Map && (a.Code == "" || a.Until == "" || a.Why == "") {
			r.bad(item, diag.ConfigKey, "Add what is missing.", "%s: an entry has code, until and why", what)
		}
		all = append(all, a)
	}
	return all
}

// warning is the code of findings that can be warnings.
func (r *reader) warning(n *strictyaml.Node, what string) diag.Code {
	code := diag.Code(r.text(n, what+": code"))
	e, known := diag.Explain(code)
	switch {
	case !known:
		var codes []string
		for _, e := range diag.Codes() {
			codes = append(codes, string(e.Code))
		}
		r.bad(n, diag.ConfigKey, "", "%s: there is no code %q%s", what, code, diag.DidYouMean(string(code), codes))
	case e.Level == diag.LevelFormat:
		r.bad(n, diag.ConfigKey, "Remove it: only warnings can be acknowledged.", "%s: %s stops a command", what, code)
	}
	return code
}

// day is a date, as 2027-06-30.
func (r *reader) day(n *strictyaml.Node, what string) string {
	text := r.text(n, what+": until")
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		r.bad(n, diag.ConfigKey, "Write it as 2027-06-30.", "%s: until %q is not a date", what, text)
	}
	return text
}
