package transform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
)

// column reads the cells of one declared column: trimmed, compared with the null tokens, padded,
// typed.
type column struct {
	def     *bundle.Column
	kind    kind
	nulls   []string
	formats []*dateFormat
	spoils  bool // a cell can spoil its row or element: it is required, or must fit a type
}

// column compiles a declared column.
func (c *compiler) column(def *bundle.Column, nulls []string) *column {
	col := &column{def: def, kind: kindOf(def.Type), nulls: slices.Concat(nulls, def.Nulls)}
	switch def.Type {
	case bundle.TypeDate, bundle.TypeDateTime, bundle.TypeTime:
		for _, f := range def.Formats {
			parsed, err := parseDateFormat(f.Value, def.Type)
			if err != nil {
				c.add(f.Pos, diag.BundleValue, "the words of a format are in docs/bundle-format.md §3", "%v", err)
				continue
			}
			col.formats = append(col.formats, parsed)
		}
		if text, a, b, found := ambiguous(col.formats, def.Type); found && !c.inferring {
			c.add(def.Formats[0].Pos, diag.BundleValue, "keep one of them; dates are never guessed", "%q would be %s in one format and %s in another", text, a, b)
		}
	}
	col.spoils = def.Required || col.kind != kindText
	return col
}

// isNull reports whether a trimmed cell is empty or a null token.
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

// read types a cell; header names the column for the message. dates keeps what was read of dates,
// because the same few occur in every row.
func (c *column) read(raw, header string, dates map[dateKey]string) (value, *fault) {
	s := trimSpace(raw)
	if isNullCell(s, c.nulls) {
		if c.def.Required {
			return value{}, &fault{code: diag.CellRequired, rule: c.def.Pos, column: header, value: s, message: fmt.Sprintf("%s is empty, but required", header)}
		}
		return value{}, nil
	}
	if c.def.Pad > len(s) && allDigits(s) {
		s = strings.Repeat("0", c.def.Pad-len(s)) + s
	}
	switch c.kind {
	case kindText:
		return textValue(s), nil
	case kindInteger:
		if isInteger(s) {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return integerValue(n), nil
			}
		}
	case kindDecimal:
		if isDecimal(s) {
			return value{kind: kindDecimal, s: s}, nil
		}
	case kindBoolean:
		if slices.Contains(c.def.Yes, s) {
			return booleanValue(true), nil
		}
		if slices.Contains(c.def.No, s) {
			return booleanValue(false), nil
		}
		return value{}, c.unfit(s, header, fmt.Sprintf("is neither yes (%s) nor no (%s)", strings.Join(c.def.Yes, ", "), strings.Join(c.def.No, ", ")))
	default:
		if text, ok := dates[dateKey{c, s}]; ok {
			return value{kind: c.kind, s: text}, nil
		}
		for _, f := range c.formats {
			if text, ok := f.read(s, c.def.Type); ok {
				if dates != nil && len(dates) < maxDates {
					dates[dateKey{c, strings.Clone(s)}] = strings.Clone(text)
				}
				return value{kind: c.kind, s: text}, nil
			}
		}
		var formats []string
		for _, f := range c.formats {
			formats = append(formats, f.source)
		}
		return value{}, c.unfit(s, header, fmt.Sprintf("is no %s in the format %s", c.kind, strings.Join(formats, " or ")))
	}
	return value{}, c.unfit(s, header, "is not "+an(c.kind))
}

// dateKey and maxDates: dates already read, per worker.
type dateKey struct {
	column *column
	text   string
}

const maxDates = 4096

func (c *column) unfit(s, header, why string) *fault {
	return &fault{code: diag.CellType, rule: c.def.Pos, column: header, value: strings.Clone(s), message: header + ": the value " + why}
}
