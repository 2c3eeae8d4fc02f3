package pipeline

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/rules"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// This file finds what a tenant says for a bundle that nothing would read, such as tables in a misspelt folder:
// what is thought to apply and does not changes records in silence. What can only be meant for the bundle at hand
// stops; what may be for a bundle that lies elsewhere is a warning of the run.

// stray finds tables, parameters and inputs of the tenant that nothing would read.
func (x *Execution) stray(b *bundle.Bundle, given map[string]string) error {
	if x.tenant == nil {
		return nil
	}
	known, err := x.place.Library().Names()
	if err != nil {
		return err
	}
	known = append(known, b.Name)
	found := x.strayParams(b, given, known)
	found = append(found, x.strayInputs(b, known)...)
	for _, a := range x.tenant.Acknowledge {
		if a.Bundle != "" && a.Bundle != runs.OfRecords && !slices.Contains(known, a.Bundle) {
			found = append(found, strayName(a.Pos, diag.AckUnused, a.Bundle, b.Name, known, "it covers nothing"))
		}
	}
	tables, err := x.strayTables(b.Name, known)
	if err != nil {
		return err
	}
	if found = append(found, tables...); found.Blocks() {
		return bundle.Unusable(b.Name, found, "")
	}
	x.known = append(x.known, found...)
	return nil
}

// strayName is the problem of a name that belongs to no bundle.
func strayName(at diag.Pos, code diag.Code, name, bundle string, known []string, what string) diag.Problem {
	if base, _, _ := strings.Cut(name, "@"); sameLetters(base, bundle) {
		return diag.At(at, code, "Rename it to "+bundle+".", "%q is not quite the name of the bundle %q, so %s", name, bundle, what)
	}
	p := diag.At(at, code, "Correct the name, or remove it.", "no bundle here is called %q%s, so %s", name, diag.DidYouMean(name, known), what)
	p.Level = diag.LevelWarning
	return p
}

func (x *Execution) strayTables(name string, known []string) (found diag.List, err error) {
	folder := x.tenant.Tables
	if folder == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the compiler's overlay says so
	}
	if err != nil {
		return nil, unreadableTables(err)
	}
	for _, e := range entries {
		entry := e.Name()
		path := filepath.Join(folder, entry)
		at := diag.Pos{File: x.place.Observer.path(path)}
		switch {
		case strings.HasPrefix(entry, "."):
		case !e.IsDir() && isTable(entry):
			found = append(found, diag.At(at, diag.BundleOverlay, "Move it into "+x.place.Observer.path(filepath.Join(folder, name))+".",
				"the table is not in the folder of a bundle, so it would not be used"))
		case !e.IsDir() || slices.Contains(known, entry) || !holdsTables(path):
		default:
			found = append(found, strayName(at, diag.BundleOverlay, entry, name, known, "the tables in it are not used"))
		}
	}
	return found, nil
}

// strayInputs finds bundles and inputs under `inputs:` of the tenant.
func (x *Execution) strayInputs(b *bundle.Bundle, known []string) (found diag.List) {
	var inputs []string
	for _, in := range b.Inputs {
		inputs = append(inputs, in.Name.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(x.tenant.Inputs)) {
		if !slices.Contains(known, name) {
			at := x.place.Config.Written(x.tenant, "inputs", name)
			found = append(found, strayName(at, diag.ConfigInput, name, b.Name, known, "its settings are not used"))
		}
		for _, in := range slices.Sorted(maps.Keys(x.tenant.Inputs[name])) {
			if name == b.Name && !slices.Contains(inputs, in) {
				found = append(found, diag.At(x.place.Config.Written(x.tenant, "inputs", name, in), diag.ConfigInput,
					"Write one of its inputs: "+strings.Join(inputs, ", ")+".", "the bundle %s has no input %q%s", name, in, diag.DidYouMean(in, inputs)))
			}
		}
	}
	return found
}

// strayParams finds parameters of the tenant that no bundle has.
func (x *Execution) strayParams(b *bundle.Bundle, given map[string]string, bundles []string) (found diag.List) {
	var own []string
	for _, p := range b.Params {
		own = append(own, p.Name.Value)
	}
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(x.tenant.Params)), func(name string) bool { return slices.Contains(own, name) })
	if len(unknown) == 0 {
		return nil
	}
	all := x.paramsOf(bundles)
	for _, name := range unknown {
		if slices.Contains(all, name) {
			continue
		}
		p := diag.At(x.place.Config.Written(x.tenant, "params", name), diag.ConfigParam, "Correct the name, or remove it.",
			"no bundle here has a parameter %s%s", name, diag.DidYouMean(name, slices.Concat(own, all)))
		p.Level = diag.LevelWarning
		if near := diag.Nearest(name, own, 1); len(near) > 0 && given[near[0]] == "" && x.tenant.Params[near[0]] == "" {
			p.Level, p.Fix = diag.LevelError, "Write "+near[0]+"."
			p.Message = "params of tenant " + x.tenant.Name + " has " + name + ", and the bundle " + b.Name + " has no such parameter: did you mean " + near[0] + "?"
		}
		found = append(found, p)
	}
	return found
}

// paramsOf is the parameters of the bundles that are known here; those of one that cannot be read are not.
func (x *Execution) paramsOf(bundles []string) (all []string) {
	for _, name := range bundles {
		if b, _, err := x.place.Library().Open(name); err == nil && b != nil {
			for _, p := range b.Params {
				all = append(all, p.Name.Value)
			}
		}
	}
	return all
}

// sameLetters reports whether two names differ only in case and in what joins their words.
func sameLetters(a, b string) bool {
	form := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(strings.ToLower(s))
	}
	return form(a) == form(b)
}

func isTable(name string) bool { return strings.EqualFold(filepath.Ext(name), ".csv") }

// holdsTables reports whether a folder has tables; of one that cannot be read it is not known.
func holdsTables(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isTable(e.Name()) || e.Name() == rules.File })
}
