package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
)

// column reads the cells of one declared column: trimmed, compared with the null tokens, padded,
// typed.
type column struct {
	def     *bundle.Column
	kind    expression.Kind
	nulls   []string
	formats expression.DateFormats
	spoils  bool // a cell can spoil its row or element: it is required, or must fit a type
}

// column compiles a declared column.
func (c *compiler) column(def *bundle.Column, nulls []string) *column {
	col := &column{def: def, kind: kindOf(def.Type), nulls: slices.Concat(nulls, def.Nulls)}
	switch def.Type {
	case bundle.TypeDate, bundle.TypeDateTime, bundle.TypeTime:
		for _, f := range def.Formats {
			parsed, err := expression.ParseDateFormat(f.Value, col.kind)
			if err != nil {
				c.add(f.Pos, diag.BundleValue, "the words of a format are in docs/bundle-format.md §3", "%v", err)
				continue
			}
			col.formats = append(col.formats, parsed)
		}
		if text, a, b, found := expression.Ambiguous(col.formats); found && !c.inferring() {
			c.add(def.Formats[0].Pos, diag.BundleValue, "keep one of them; dates are never guessed", "%q would be %s in one format and %s in another", text, a, b)
		}
	}
	col.spoils = def.Required || col.kind != expression.KindText
	return col
}

// isNullCell reports whether a trimmed cell is empty or a null token.
func isNullCell(s string, nulls []string) bool {
	if s == "" {
		return true
	}
	for _, n := range nulls {
		if s == n {
			return true
		}
	}
	return false
}

// read types a cell; header names the column for the message.
func (c *column) read(raw, header string, r *expression.Frame) (expression.Value, *expression.Fault) {
	s := expression.TrimSpace(raw)
	if isNullCell(s, c.nulls) {
		if c.def.Required {
			return expression.Value{}, &expression.Fault{Code: diag.CellRequired, Rule: c.def.Pos, Column: header, Value: s, Message: fmt.Sprintf("%s is empty, but required", header)}
		}
		return expression.Value{}, nil
	}
	if c.def.Pad > len(s) && expression.IsDigits(s) {
		s = strings.Repeat("0", c.def.Pad-len(s)) + s
	}
	switch c.kind {
	case expression.KindText:
		return expression.TextValue(s), nil
	case expression.KindInteger:
		if expression.IsInteger(s) {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return expression.IntegerValue(n), nil
			}
		}
	case expression.KindDecimal:
		if expression.IsDecimal(s) {
			return expression.Value{Kind: expression.KindDecimal, S: s}, nil
		}
	case expression.KindBoolean:
		if slices.Contains(c.def.Yes, s) {
			return expression.BooleanValue(true), nil
		}
		if slices.Contains(c.def.No, s) {
			return expression.BooleanValue(false), nil
		}
		return expression.Value{}, c.unfit(s, header, fmt.Sprintf("is neither yes (%s) nor no (%s)", strings.Join(c.def.Yes, ", "), strings.Join(c.def.No, ", ")))
	default:
		if text, ok := c.formats.Read(s, r); ok {
			return expression.Value{Kind: c.kind, S: text}, nil
		}
		return expression.Value{}, c.unfit(s, header, fmt.Sprintf("is no %s in the format %s", c.kind, strings.Join(c.formats.Sources(), " or ")))
	}
	return expression.Value{}, c.unfit(s, header, "is not "+expression.WithArticle(c.kind))
}

func (c *column) unfit(s, header, why string) *expression.Fault {
	return &expression.Fault{Code: diag.CellType, Rule: c.def.Pos, Column: header, Value: strings.Clone(s), Message: header + ": the value " + why}
}

// kindOf is the kind of a declared type.
func kindOf(t bundle.Type) expression.Kind {
	switch t {
	case bundle.TypeInteger:
		return expression.KindInteger
	case bundle.TypeDecimal:
		return expression.KindDecimal
	case bundle.TypeBoolean:
		return expression.KindBoolean
	case bundle.TypeDate:
		return expression.KindDate
	case bundle.TypeDateTime:
		return expression.KindDateTime
	case bundle.TypeTime:
		return expression.KindTime
	}
	return expression.KindText
}
