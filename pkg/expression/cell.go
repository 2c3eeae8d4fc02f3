package expression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Cell says how the cells of a column are read: trimmed, compared with the null tokens, padded, typed.
type Cell struct {
	Kind     Kind
	Nulls    []string // texts that stand for null
	Formats  DateFormats
	Yes, No  []string // the words for true and false
	Pad      int      // digits are padded with zeros to this length
	Required bool
	Rule     diag.Pos // of the column
	ID       bool     // all its digits count
}

// IsNullCell reports whether a trimmed cell is empty or a null token.
func IsNullCell(s string, nulls []string) bool {
	if s == "" {
		return true
	}
	for _, n := range nulls { // inlined, as slices.Contains is not: it is asked of every cell
		if s == n {
			return true
		}
	}
	return false
}

// Read types a cell; header names the column for the message.
func (c *Cell) Read(raw, header string, r *Frame) (Value, *Fault) {
	s := TrimSpace(raw)
	if IsNullCell(s, c.Nulls) {
		if c.Required {
			return Value{}, &Fault{Code: diag.CellRequired, Rule: c.Rule, Column: header, Value: s, Message: fmt.Sprintf("%s is empty, but required", header)}
		}
		return Value{}, nil
	}
	if c.Pad > len(s) && isDigits(s) {
		s = strings.Repeat("0", c.Pad-len(s)) + s
	}
	switch c.Kind {
	case KindText:
		if c.ID && exponent(s) {
			return Value{}, c.unfit(s, header, "is a number as a spreadsheet writes a long one (as 1.23E+08), and some of its digits are lost")
		}
		return TextValue(s), nil
	case KindInteger, KindDecimal:
		if v, ok := ParseValue(s, c.Kind); ok {
			return v, nil
		}
	case KindBoolean:
		if slices.Contains(c.Yes, s) {
			return BooleanValue(true), nil
		}
		if slices.Contains(c.No, s) {
			return BooleanValue(false), nil
		}
		return Value{}, c.unfit(s, header, fmt.Sprintf("is neither yes (%s) nor no (%s)", strings.Join(c.Yes, ", "), strings.Join(c.No, ", ")))
	default:
		if text, ok := c.Formats.Read(s, r); ok {
			return Value{Kind: c.Kind, S: text}, nil
		}
		return Value{}, c.unfit(s, header, fmt.Sprintf("is not %s in the format %s", WithArticle(c.Kind), strings.Join(c.Formats.Sources(), " or ")))
	}
	return Value{}, c.unfit(s, header, "is not "+WithArticle(c.Kind))
}

func (c *Cell) unfit(s, header, why string) *Fault {
	f := &Fault{Code: diag.CellType, Rule: c.Rule, Column: header, Value: strings.Clone(s), Message: header + ": the value " + why}
	if rewritten(s, c.Kind) {
		f.Fix = untouched
	}
	return f
}
