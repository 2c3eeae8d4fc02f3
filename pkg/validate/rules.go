package validate

import (
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// byRules judges the record at hand by the rules of bundle and tenant; it fits the schema.
func (w *worker) byRules(text []byte) {
	for _, b := range w.rules.Record(text) {
		p := b.Problem
		if p.Path = b.Path; p.Level <= diag.LevelError {
			w.invalid(p)
		} else {
			w.note(p)
		}
	}
}

// judgeTotals judges the totals of the run, and keeps them for the next one. Of an error it is not known which
// records it is about, so the run gets no pass.
func (g *gate) judgeTotals() error {
	set := g.options.Rules
	if set == nil {
		return nil
	}
	counts := rules.Counts{}
	for name, v := range g.counts.Resources {
		counts["staged."+name] = v.Staged
	}
	if made, ok := g.run.Counts(runs.Transform).(*runs.TransformCounts); ok {
		for name, in := range made.Inputs {
			counts["read."+name], counts["used."+name] = in.Read, in.Used
		}
	}
	g.totals = set.Totals(g.sums, counts)
	found := set.Judge(g.totals, g.options.LastTotals)
	for _, p := range found {
		if p.Level <= diag.LevelError && g.withheld == nil {
			g.withheld = diag.Fail(diag.Guarded, diag.RuleBroken, "Correct what it is about and run it again, or change the rule in "+p.Rule+".",
				"%s; the run has no pass", p.Message)
		}
	}
	return g.listAll(found)
}
