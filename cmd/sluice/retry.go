package main

import (
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// retry makes the rows that a run rejected the input again, as they stand in its rejects/ now.
func (a *app) retry(ref string, o *transformOptions) error {
	if o.onlyRejectsOf == "" {
		return nil
	}
	if len(o.inputs) > 0 {
		return usage("Leave one of them out.", "--only-rejects-of takes the rejected rows of a run, so --input makes no sense with it")
	}
	r, err := a.findRun(o.onlyRejectsOf)
	if err != nil {
		return err
	}
	place, err := a.workplace()
	if err != nil {
		return err
	}
	b, err := place.Bundle(ref)
	if err != nil {
		return err
	}
	path := shownPath(r.Path)
	if b.Name != r.Bundle.Name {
		return usage("Name the bundle "+r.Bundle.Name+".", "the rows in %s were rejected by the bundle %s, and %s is another", path, r.Bundle.Name, b.Name)
	}
	if a.Tenant != r.Tenant {
		of, next := "tenant "+r.Tenant, "Give --tenant "+r.Tenant+"."
		if r.Tenant == "" {
			of, next = "no tenant", "Leave out --tenant, and SLUICE_TENANT."
		}
		return usage(next, "the run in %s was made for %s", path, of)
	}
	rejects := r.Rejects()
	if len(rejects) == 0 {
		return diag.Fail(diag.Usage, diag.ConfigRun, "There is nothing to do.", "no rows of %s are rejected", path)
	}
	for _, f := range rejects {
		o.inputs = append(o.inputs, f.Input+"="+f.Path)
	}
	for _, words := range [][]string{neededInputs(r, rejects), readAs(r, rejects)} {
		for i := 0; i+1 < len(words); i += 2 { // a flag and its value
			switch words[i] {
			case "--input":
				o.inputs = append(o.inputs, words[i+1])
			case "--encoding":
				o.encodings = unlessGiven(o.encodings, words[i+1])
			case "--delimiter":
				o.delimiters = unlessGiven(o.delimiters, words[i+1])
			}
		}
	}
	for _, p := range b.Params {
		if v, ok := r.Params[p.Name.Value]; ok {
			o.params = unlessGiven(o.params, p.Name.Value+"="+v)
		}
	}
	return nil
}

// unlessGiven adds name=value to a list that has nothing of the name.
func unlessGiven(list []string, pair string) []string {
	name, _, _ := strings.Cut(pair, "=")
	if slices.ContainsFunc(list, func(given string) bool { return strings.HasPrefix(given, name+"=") }) {
		return list
	}
	return append(list, pair)
}
