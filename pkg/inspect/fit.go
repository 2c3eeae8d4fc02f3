package inspect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Contract is what the files of one input of a bundle look like in one layout.
type Contract struct {
	Bundle, Version, Input, Layout string
	Headers                        []string
	Ignored                        []string      // patterns
	Personal                       []string      // patterns of headers whose values are never shown
	Params                         []string      // of the bundle that must be given
	Options                        table.Options // how the files are written
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

	Read []string `json:"read,omitempty"` // options for a file that is not written as the bundle says

	contract *Contract
}

// Transform is the arguments of the command that reads the file at path; parameters that are not given must be
// filled in.
func (f *Fit) Transform(path string, given map[string]string) []string {
	args := []string{"transform", f.Bundle, "--input", f.Input + "=" + path}
	for _, p := range f.Params {
		args = append(args, "--param", p+"="+cmp.Or(given[p], "VALUE"))
	}
	return append(args, f.Read...)
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
		def := b.Input(in)
		for _, c := range contracts {
			fit := Contract{Bundle: b.Name, Version: b.Version, Input: in, Layout: c.Layout, Personal: def.PersonalHeaders(), Options: def.TableOptions()}
			fit.Options.Delimiter = cmp.Or(fit.Options.Delimiter, table.FormatOf(fit.Options.Format).Delimiter)
			for _, p := range b.Params {
				if p.Required {
					fit.Params = append(fit.Params, p.Name.Value)
				}
			}
			for _, ignore := range def.Ignore {
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
func (h *Head) Fits(contracts []Contract) []Fit {
	all := []Fit{}
	type ranked struct {
		Fit
		share float64
	}
	var found []ranked
	for i := range contracts {
		c := &contracts[i]
		headers := h.names(c.Options)
		fit := c.compare(headers)
		if s := 2 * float64(fit.Matched) / float64(len(c.Headers)+len(headers)); s >= leastShare {
			fit.Read = h.otherwise(c)
			found = append(found, ranked{fit, s})
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(b.share, a.share) })
	for _, f := range found[:min(len(found), mostFits)] {
		all = append(all, f.Fit)
	}
	return all
}

// compare compares the columns of a file with the contract's.
func (c *Contract) compare(headers []string) Fit {
	fit := Fit{Bundle: c.Bundle, Version: c.Version, Input: c.Input, Layout: c.Layout, Of: len(c.Headers), Missing: []string{}, Further: []string{}, Params: c.Params, contract: c}
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
	return fit
}

// otherwise is the options with which the file is read where it is not written as the contract says.
func (h *Head) otherwise(c *Contract) []string {
	var args []string
	if h.Encoding != "" && table.EncodingName(h.Encoding) != table.EncodingName(c.Options.Encoding) {
		args = append(args, "--encoding", c.Input+"="+h.Encoding)
	}
	if h.Delimiter != c.Options.Delimiter {
		args = append(args, "--delimiter", c.Input+"="+strings.ReplaceAll(h.Delimiter, "\t", "tab"))
	}
	return args
}
