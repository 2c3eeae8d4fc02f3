package sandbox

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/schema"
)

const dateTimeLayout = "2006-01-02T15:04:05.999999999Z07:00"

// scalarFault is what is wrong with a scalar, or nothing.
func scalarFault(n *node, f *field) string {
	if n.kind == jsonObject || n.kind == jsonArray {
		return fmt.Sprintf("Unexpected object or collection for %s.", f.title)
	}
	switch f.Kind {
	case schema.KindString:
		return textFault(n, f)
	case schema.KindInteger:
		return integerFault(n, f)
	case schema.KindNumber:
		return numberFault(n, f)
	case schema.KindBoolean:
		return booleanFault(n)
	case schema.KindDate:
		if _, err := time.Parse(time.DateOnly, string(n.text)); n.kind != jsonString || err != nil {
			return fmt.Sprintf("Could not convert string to date: %s. Expected format: 'YYYY-MM-DD'.", n.text)
		}
	case schema.KindDateTime:
		if _, ok := parseDateTime(string(n.text)); n.kind != jsonString || !ok {
			return fmt.Sprintf("Could not convert string to DateTime: %s.", n.text)
		}
	case schema.KindTime:
		if canonicalTime(string(n.text)) == "" || n.kind != jsonString {
			return fmt.Sprintf("Could not convert string to time: %s. Expected format: 'HH:mm:ss'.", n.text)
		}
	}
	return ""
}

func textFault(n *node, f *field) string {
	if n.kind != jsonString {
		return fmt.Sprintf("Unexpected value for %s: a string is expected.", f.title)
	}
	text := n.text
	if blank := len(bytes.TrimSpace(text)) == 0; blank && (f.Required || f.key) {
		return f.title + " is required and should not be left empty."
	} else if blank {
		return ""
	}
	// No text has more UTF-16 units than bytes, so that most need no counting.
	if units := len(text); f.MaxLength > 0 && units > f.MaxLength || units < 3*f.MinLength {
		units = utf16Units(text)
		if units > f.MaxLength && f.MaxLength > 0 || units < f.MinLength {
			if f.MinLength > 0 {
				return fmt.Sprintf("%s must be between %d and %d characters in length.", f.title, f.MinLength, f.MaxLength)
			}
			return fmt.Sprintf("%s must be at most %d characters in length.", f.title, f.MaxLength)
		}
	}
	if f.descriptor != nil {
		if bytes.IndexByte(text, '#') < 0 {
			return fmt.Sprintf("%s value '%s' is not a valid value for use as a descriptor (a '#' is expected to delimit the namespace and code value portions).", f.title, text)
		}
		return ""
	}
	if f.key && (isBlank(text[0]) || isBlank(text[len(text)-1])) {
		return f.title + " cannot contain leading or trailing spaces."
	}
	if dangerous(text) {
		return f.title + " contains a value that could be dangerous. Please remove any HTML tags or put spaces around '<' and '&#'."
	}
	return ""
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// dangerous is the rule of the cross-site-scripting filter in front of an ODS.
func dangerous(text []byte) bool {
	for i := 0; i+1 < len(text); i++ {
		c, next := text[i], text[i+1]
		switch {
		case c == '&' && next == '#':
			return true
		case c == '<' && (next == '!' || next == '/' || next == '?' || next >= 'a' && next <= 'z' || next >= 'A' && next <= 'Z'):
			return true
		}
	}
	return false
}

func utf16Units(text []byte) int {
	units := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if units++; r > 0xFFFF {
			units++
		}
		i += size
	}
	return units
}

// integerFault also takes integers in quotes, as an ODS does.
func integerFault(n *node, f *field) string {
	bits := 32
	if f.Int64 {
		bits = 64
	}
	v, err := strconv.ParseInt(string(n.text), 10, bits)
	if err != nil || n.kind != jsonNumber && n.kind != jsonString {
		return fmt.Sprintf("Unexpected value for %s: %s is not an Int%d.", f.title, n.text, bits)
	}
	if v == 0 && f.key {
		return f.title + " value must be different than 0."
	}
	return rangeFault(float64(v), f)
}

func numberFault(n *node, f *field) string {
	v, err := strconv.ParseFloat(string(n.text), 64)
	if strings.Trim(string(n.text), "0123456789+-.eE") != "" { // ParseFloat also knows hexadecimal and NaN
		err = strconv.ErrSyntax
	}
	if err != nil || n.kind != jsonNumber && n.kind != jsonString || math.IsInf(v, 0) || math.IsNaN(v) {
		return fmt.Sprintf("Unexpected value for %s: %s is not a decimal.", f.title, n.text)
	}
	return rangeFault(v, f)
}

func rangeFault(v float64, f *field) string {
	if (f.Minimum == nil || v >= *f.Minimum) && (f.Maximum == nil || v <= *f.Maximum) {
		return ""
	}
	number := func(p *float64) string { return strconv.FormatFloat(*p, 'f', -1, 64) }
	switch {
	case f.Maximum == nil:
		return fmt.Sprintf("%s must be greater than or equal to %s.", f.title, number(f.Minimum))
	case f.Minimum == nil:
		return fmt.Sprintf("%s must be less than or equal to %s.", f.title, number(f.Maximum))
	}
	return fmt.Sprintf("%s must be between %s and %s.", f.title, number(f.Minimum), number(f.Maximum))
}

// booleanFault takes what ODS/API 7 takes: true, false, 0 and 1, in quotes too.
func booleanFault(n *node) string {
	if _, ok := parseBool(n.text); ok {
		return ""
	}
	typ := "String"
	if n.kind == jsonNumber {
		typ = "Integer"
	}
	return fmt.Sprintf("Unexpected value for boolean: %s (type: %s)", n.text, typ)
}

func parseBool(text []byte) (value, ok bool) {
	switch strings.ToLower(string(text)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

var dateTimeLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", "2006-01-02 15:04:05.999999999", time.DateOnly,
}

// parseDateTime reads an ISO 8601 time; without a zone it is UTC.
func parseDateTime(text string) (time.Time, bool) {
	for _, layout := range dateTimeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// canonicalTime is a time of day as HH:mm:ss, or nothing.
func canonicalTime(text string) string {
	for _, layout := range []string{"15:04:05.999999999", "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.Format("15:04:05")
		}
	}
	return ""
}
