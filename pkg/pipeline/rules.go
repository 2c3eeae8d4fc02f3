package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/intake"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// This file finds the rules that a run is judged by: those of its bundle, of which the run keeps a copy, and those of
// the tenant for the bundle, which are read anew whenever a run is validated.

// tenantRules is the tenant's rules.yaml for a bundle, beside its tables; none if there is no such file.
func (x *Execution) tenantRules(name string) ([]rules.Source, error) {
	if x.tenant == nil || x.tenant.Tables == "" {
		return nil, nil
	}
	folder := filepath.Join(x.tenant.Tables, name)
	sources, err := rules.In(os.DirFS(folder), x.place.Observer.path(folder), rules.OfTenant)
	if err != nil {
		return nil, unreadableTables(err)
	}
	return sources, nil
}

// compileRules compiles rules for a run that was made at a time.
func compileRules(sources []rules.Source, standard *schema.Standard, inputs []string, made time.Time) (*rules.Set, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	made = made.Local()
	set, problems := rules.Compile(sources, rules.Config{Standard: standard, Inputs: inputs,
		Today: made.Format(time.DateOnly), Tomorrow: made.AddDate(0, 0, 1).Format(time.DateOnly)})
	if problems.Blocks() {
		return nil, &diag.Error{Kind: diag.Usage, Code: diag.RulesFile, Problems: problems, Message: "the rules cannot be used",
			Next: "Correct the lines named; docs/rules.md has the format."}
	}
	return set, nil
}

// checkRules makes sure that the rules compile before anything is read, and gives those of the bundle.
func (x *Execution) checkRules(b *bundle.Bundle, standard *schema.Standard, now time.Time) ([]rules.Source, error) {
	own, err := rules.In(b.FS, b.Path, rules.OfBundle)
	if err != nil {
		return nil, DiskError(err)
	}
	more, err := x.tenantRules(b.Name)
	if err != nil {
		return nil, err
	}
	_, err = compileRules(slices.Concat(own, more), standard, b.InputNames(), now)
	return own, err
}

// checkRulesOfRecords does so for records of another tool, which only a tenant has rules for.
func (x *Execution) checkRulesOfRecords(found *intake.Folder, standard *schema.Standard, now time.Time) error {
	sources, err := x.tenantRules(runs.OfRecords)
	if err != nil {
		return err
	}
	var inputs []string
	for _, f := range found.Files {
		inputs = append(inputs, f.Resource)
	}
	_, err = compileRules(sources, standard, slices.Compact(inputs), now)
	return err
}

// keepRules puts the bundle's rules into the run that was made with it: the bundle may be another one tomorrow.
func (x *Execution) keepRules(own []rules.Source) error {
	for _, s := range own {
		if err := durable.WriteFile(x.run.File(rules.File), s.Text); err != nil {
			return DiskError(err)
		}
		x.run.Rules = []runs.RuleFile{{Path: s.Path, SHA256: rules.Digest(s.Text), OfBundle: true}}
	}
	return nil
}

// rulesOfRun are the rules that the run is judged by, and notes them in its manifest.
func (x *Execution) rulesOfRun(standard *schema.Standard) (*rules.Set, error) {
	r := x.run
	var sources []rules.Source
	kept := slices.DeleteFunc(slices.Clone(r.Rules), func(f runs.RuleFile) bool { return !f.OfBundle })
	for _, f := range kept {
		text, err := os.ReadFile(r.File(rules.File))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, DiskError(err)
		}
		if rules.Digest(text) != f.SHA256 {
			return nil, diag.Fail(diag.Guarded, diag.RulesFile, "Run transform again; rules of your own belong in the tenant's folder of tables.",
				"%s in the run is not the file that transform put there", rules.File)
		}
		sources = append(sources, rules.Source{Path: f.Path, Text: text, Of: rules.OfBundle})
	}
	more, err := x.tenantRules(r.Bundle.Name)
	if err != nil {
		return nil, err
	}
	for _, s := range more {
		kept = append(kept, runs.RuleFile{Path: s.Path, SHA256: rules.Digest(s.Text)})
	}
	r.Rules = kept
	var inputs []string
	for _, in := range r.Inputs {
		if !slices.Contains(inputs, in.Name) {
			inputs = append(inputs, in.Name)
		}
	}
	return compileRules(slices.Concat(sources, more), standard, inputs, r.Created)
}

// lastTotals are the totals of the newest earlier run of the tenant and the bundle that was loaded; nil: there is none.
func (x *Execution) lastTotals() (map[string]string, error) {
	all, err := runs.List(x.place.Config.Runs, x.run.Tenant)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(all) { // the newest is the last
		if r.ID != x.run.ID && r.Bundle.Name == x.run.Bundle.Name && r.Created.Before(x.run.Created) && r.Finished(runs.Send) && r.Totals != nil {
			return r.Totals, nil
		}
	}
	return nil, nil
}

// Rules lists what is wrong with the rules of a bundle in any of these data standards.
func (w *Workplace) Rules(b *bundle.Bundle, all []*schema.Standard) (diag.List, error) {
	sources, err := rules.In(b.FS, b.Path, rules.OfBundle)
	if err != nil {
		return nil, DiskError(err)
	}
	var found diag.List
	for _, s := range all {
		_, problems := rules.Compile(sources, rules.Config{Standard: s, Inputs: b.InputNames()})
		for _, p := range problems {
			if !slices.ContainsFunc(found, func(o diag.Problem) bool { return o.Pos() == p.Pos() }) {
				found = append(found, p)
			}
		}
	}
	return found, nil
}
