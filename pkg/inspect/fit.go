package inspect

import (
	"cmp"
	"context"
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

// Contract is what the files of one input of a bundle look like in one layout.
type Contract struct {
	Bundle, Version, Input, Layout string
	Headers                        []string
	Ignored                        []string // patterns
	Params                         []string // of the bundle that must be given
}

// Fit says how well a file matches a contract.
type Fit struct {
	Bundle  string   `json:"bundle"`
	Version string   `json:"version"`
	Input   string   `json:"input"`
	Layout  string   `json:"layout,omitempty"`
	Of      int      `json:"of"`      // columns of the contract
	Matched int      `json:"matched"` // of these, in the file
	Missing []string `json:"missing"`
	Further []string `json:"further"`          // columns of the file that the bundle does not know
	Params  []string `json:"params,omitempty"` // of the bundle that must be given
}

// Transform is the arguments of the command that reads the file at path, with what must be filled in.
func (f *Fit) Transform(path string) []string {
	args := []string{"transform", f.Bundle, "--input", f.Input + "=" + path}
	for _, p := range f.Params {
		args = append(args, "--param", p+"=VALUE")
	}
	return args
}

// Whole reports whether every column of the contract is in the file, and no other.
func (f *Fit) Whole() bool { return len(f.Missing) == 0 && len(f.Further) == 0 }

// Contracts are those of a bundle's inputs and layouts.
func Contracts(ctx context.Context, b *bundle.Bundle, standards []*schema.Standard) ([]Contract, error) {
	program, problems, err := mapping.Compile(ctx, mapping.Config{Bundle: b, Standards: standards, Samples: true})
	if err != nil || problems.Blocks() {
		return nil, err
	}
	return ContractsOf(program), nil
}

// ContractsOf are those of a compiled bundle.
func ContractsOf(program *mapping.Program) []Contract {
	b := program.Bundle
	var all []Contract
	for _, in := range program.InputNames() {
		contracts, err := program.Contracts(in)
		if err != nil {
			continue // it names an input of the program
		}
		for _, c := range contracts {
			fit := Contract{Bundle: b.Name, Version: b.Version, Input: in, Layout: c.Layout}
			for _, p := range b.Params {
				if p.Required {
					fit.Params = append(fit.Params, p.Name.Value)
				}
			}
			for _, ignore := range b.Input(in).Ignore {
				fit.Ignored = append(fit.Ignored, bundle.Values(ignore.Globs)...)
			}
			for _, col := range c.Columns {
				fit.Headers = append(fit.Headers, col.Header)
			}
			all = append(all, fit)
		}
	}
	return all
}

// mostFits is how many fits are worth showing, leastShare how much of file and contract must agree.
const (
	mostFits   = 3
	leastShare = 0.3
)

// Fits compares the columns of a file with contracts; the best comes first.
func Fits(headers []string, contracts []Contract) []Fit {
	all := []Fit{}
	type ranked struct {
		Fit
		share float64
	}
	var found []ranked
	for _, c := range contracts {
		fit := Fit{Bundle: c.Bundle, Version: c.Version, Input: c.Input, Layout: c.Layout, Of: len(c.Headers), Missing: []string{}, Further: []string{}, Params: c.Params}
		for _, h := range c.Headers {
			if slices.Contains(headers, h) {
				fit.Matched++
			} else {
				fit.Missing = append(fit.Missing, h)
			}
		}
		for _, h := range headers {
			ignored := slices.ContainsFunc(c.Ignored, func(pattern string) bool { return bundle.MatchHeader(pattern, h) })
			if h != "" && !ignored && !slices.Contains(c.Headers, h) {
				fit.Further = append(fit.Further, h)
			}
		}
		if s := 2 * float64(fit.Matched) / float64(len(c.Headers)+len(headers)); s >= leastShare {
			found = append(found, ranked{fit, s})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(b.share, a.share) })
	for _, f := range found[:min(len(found), mostFits)] {
		all = append(all, f.Fit)
	}
	return all
}
