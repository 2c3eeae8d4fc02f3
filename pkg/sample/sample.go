// Package sample owns synthetic vendor files: from a bundle's contract, and from fixtures/sample.yaml or else the bundle's
// conditions and tables, it writes a header and rows with plausible values for the students and schools of the sandbox.
// It reads no vendor's file.
package sample

import (
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/sandbox"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Request says which synthetic file to write.
type Request struct {
	Input  string // empty: the bundle's only input
	Layout string // empty: the input's first, if it has layouts
	Rows   int64
	Seed   uint64            // the same seed makes the same file
	Params map[string]string // the bundle's parameters as far as values follow them; others as sample.yaml says
}

// Students of synthetic files, known to the sandbox, and their schools and district.
const (
	firstStudent = sandbox.FirstStudent
	students     = sandbox.Students
	firstSchool  = sandbox.FirstSchool + 1
	schools      = 8
)

var district = strconv.Itoa(sandbox.District)

// Write writes a vendor file that fits the bundle's contract: its header, then rows with plausible
// values. Each row is another sitting: no two rows share student, day and time. It streams, and the
// file depends on the request and the bundle alone; the program may be compiled for samples, without
// the parameters that a run needs.
func Write(w io.Writer, p *mapping.Program, q Request) error {
	c, err := contract(p, q)
	if err != nil {
		return err
	}
	h, err := readHints(p.Bundle, c.Input)
	if err != nil {
		return err
	}
	maps.Copy(h.params, q.Params)
	if c.Columns, err = inOrder(c.Columns, h.headers[c.Layout]); err != nil {
		return err
	}
	s, err := newSampler(p, h, c, q.Seed)
	if err != nil {
		return err
	}
	if limit := s.sittings() * students; q.Rows > limit {
		return diag.Fail(diag.Usage, diag.ConfigUsage, "Ask for fewer rows.", "%s can make at most %d different rows, and --rows asks for %d", p.Bundle.Name, limit, q.Rows)
	}
	return s.write(w, q.Rows)
}

// contract is the contract of the input and layout asked for.
func contract(p *mapping.Program, q Request) (*mapping.Contract, error) {
	if names := p.InputNames(); q.Input == "" && len(names) == 1 {
		q.Input = names[0]
	} else if q.Input == "" {
		return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Name one with --input.", "%s has several inputs: %s", p.Bundle.Name, strings.Join(names, ", "))
	}
	contracts, err := p.Contracts(q.Input)
	if err != nil {
		return nil, err
	}
	if format := table.FormatOf(contracts[0].Format); !format.CanSample {
		return nil, diag.Fail(diag.Usage, diag.BundleUnsupported, "", "input %s has the format %s, of which no samples are made", q.Input, format.Name)
	}
	if q.Layout == "" {
		return contracts[0], nil
	}
	var known []string
	for _, c := range contracts {
		if c.Layout == q.Layout {
			return c, nil
		}
		known = append(known, c.Layout)
	}
	if contracts[0].Layout == "" {
		return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Leave out --layout.", "input %s has no layouts", q.Input)
	}
	return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Choose one of "+strings.Join(known, ", ")+".", "input %s has no layout %q%s", q.Input, q.Layout, diag.DidYouMean(q.Layout, known))
}

// inOrder puts the columns in the vendor's order; without one that of the bundle stays.
func inOrder(columns []mapping.ContractColumn, headers []string) ([]mapping.ContractColumn, error) {
	if len(headers) == 0 {
		return columns, nil
	}
	byHeader := map[string]mapping.ContractColumn{}
	for _, col := range columns {
		byHeader[col.Header] = col
	}
	out := make([]mapping.ContractColumn, len(headers))
	for i, header := range headers {
		out[i] = byHeader[header]
		out[i].Header = header // also of one that the bundle knows by a glob
		delete(byHeader, header)
	}
	for _, col := range columns {
		if _, left := byHeader[col.Header]; left {
			return nil, diag.Fail(diag.Usage, diag.BundleFixture, "Add it in fixtures/sample.yaml.", "the headers of the sample lack %q, which the bundle binds", col.Header)
		}
	}
	return out, nil
}
