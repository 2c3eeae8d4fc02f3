package validate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// write gives a resource's verdicts, counts and problems to the run.
func (g *gate) write(r *resource) error {
	if err := g.writeVerdicts(r.name, r.verdicts, r.digest); err != nil {
		return err
	}
	changed, moved := g.changed(r.name, r.digest)
	problems := r.list.finish()
	if !moved {
		if err := g.addOrigins(r.name, problems); err != nil {
			return err
		}
	}
	if changed != nil {
		problems = append(diag.List{*changed}, problems...)
	}
	return g.listAll(problems)
}

// writeVerdicts writes and counts the verdicts of a resource; d is the digest of its staged file.
func (g *gate) writeVerdicts(name string, verdicts []runs.Verdict, d jsonl.Digest) error {
	var c runs.Verdicts
	text := make([]byte, len(verdicts))
	for i, v := range verdicts {
		text[i] = byte(v)
		c.Staged++
		switch v {
		case runs.Valid:
			c.Valid++
		case runs.Marked:
			c.Valid, c.Marked = c.Valid+1, c.Marked+1
		case runs.Duplicate:
			c.Valid, c.Duplicate = c.Valid+1, c.Duplicate+1
		case runs.Invalid:
			c.Invalid++
		case runs.Unchecked:
			c.Unchecked++
		}
	}
	g.counts.Resources[name], g.staged[name] = c, d.SHA256
	path := g.run.VerdictFile(name)
	w, err := jsonl.Create(path)
	if err != nil {
		return unwritable(err, path)
	}
	if err := w.Write(text, len(text)); err != nil {
		return unwritable(errors.Join(err, w.Close()), path)
	}
	if g.verdicts[name], err = w.Commit(); err != nil {
		return unwritable(err, path)
	}
	return nil
}

func (g *gate) listAll(problems diag.List) error {
	for _, p := range problems {
		if g.run.Records != "" && p.Fix == "" && p.Level <= diag.LevelError && p.StagedLine > 0 { // no bundle has made the record
			p.Fix = "Correct the record in the tool that wrote it, then validate the folder again."
		}
		if err := g.problems.Add(p); err != nil {
			return unwritable(err, g.run.File("problems"))
		}
	}
	return nil
}

// refuse declares every line of a resource that the data standard does not know invalid.
func (g *gate) refuse(name string) error {
	d, err := jsonl.DigestFile(g.run.StagedFile(name))
	if err != nil {
		return unreadable(err, g.run.StagedFile(name))
	}
	g.options.Progress.BytesRead.Add(d.Bytes)
	g.options.Progress.Records.Add(d.Lines)
	if err := g.writeVerdicts(name, slices.Repeat([]runs.Verdict{runs.Invalid}, int(d.Lines)), d); err != nil {
		return err
	}
	problem := diag.Problem{Code: diag.ResourceUnknown, Resource: name, Count: int(d.Lines),
		Message: fmt.Sprintf("data standard %s has no resource %q%s; none of the records in %s.jsonl can be sent", g.standard.Version, name,
			diag.DidYouMean(name, g.standard.Names()), name),
		Fix: "Rename the file to the resource it is for, or remove it."}
	if _, ours := g.run.Staged[name]; ours && g.run.Records == "" {
		problem.Fix = "Remove the resource from the bundle, then run transform again."
	}
	list := diag.List{problem}
	if changed, _ := g.changed(name, d); changed != nil {
		list = append(list, *changed)
	}
	return g.listAll(list)
}

// checkEquation makes sure that every line staged is accounted for.
func (g *gate) checkEquation() error {
	for name, c := range g.counts.Resources {
		if !c.Equation(name).Holds() || c.Staged != g.verdicts[name].Lines {
			return diag.Fail(diag.Guarded, diag.GuardEquation, "", "%s: %d staged are not %d valid + %d invalid + %d unchecked",
				name, c.Staged, c.Valid, c.Invalid, c.Unchecked)
		}
	}
	return nil
}

// result has the pass that send asks for. An offline pass opens nothing, but says what was looked at.
func (g *gate) result() *Result {
	pass := &runs.Pass{Tenant: g.run.Tenant, Bundle: g.run.Bundle.Digest, DataStandard: g.standard.Version, Online: g.online(),
		At: g.options.Now().UTC(), Staged: g.staged, Verdicts: map[string]string{}, Events: g.events}
	if g.options.Rules != nil {
		pass.Rules = g.options.Rules.Digest
	}
	for name, d := range g.verdicts {
		pass.Verdicts[name] = d.SHA256
	}
	result := &Result{Counts: g.counts, Verdicts: g.verdicts, Pass: pass, Totals: g.totals, Withheld: g.withheld}
	if g.withheld != nil {
		result.Pass = nil
	}
	if g.online() {
		result.Target, pass.Target = &g.options.Target, g.options.Target.Identity
		return result
	}
	pass.Against = g.options.Against
	for _, c := range g.counts.Resources {
		g.counts.OpenForTarget = g.counts.OpenForTarget || c.Unchecked > 0
	}
	return result
}
