package mapping

import (
	"slices"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/lookup"
)

// column is one declared column, with how its cells are read.
type column struct {
	def *bundle.Column
	expression.Cell
	canFail bool // a cell can spoil its row or element: it is required, or must fit a type
}

// column compiles a declared column.
func (c *compiler) column(def *bundle.Column, nulls []string) *column {
	col := &column{def: def, Cell: expression.Cell{Kind: lookup.KindOf(def.Type), Nulls: slices.Concat(nulls, def.Nulls), Yes: def.Yes, No: def.No,
		Pad: def.Pad, Required: def.Required, Rule: def.Pos}}
	switch def.Type {
	case bundle.TypeDate, bundle.TypeDateTime, bundle.TypeTime:
		for _, f := range def.Formats {
			parsed, err := expression.ParseDateFormat(f.Value, col.Kind)
			if err != nil {
				c.add(f.Pos, diag.BundleValue, "The words of a format are in docs/bundle-format.md §3.", "%v", err)
				continue
			}
			col.Formats = append(col.Formats, parsed)
		}
		if text, a, b, found := expression.Ambiguous(col.Formats); found && !c.inferring() {
			c.add(def.Formats[0].Pos, diag.BundleValue, "Keep one of them; dates are never guessed.", "%q would be %s in one format and %s in another", text, a, b)
		}
	}
	col.canFail = def.Required || col.Kind != expression.KindText
	return col
}
