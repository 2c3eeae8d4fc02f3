package sandbox

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
)

const dateTimeLayout = "2006-01-02T15:04:05.999999999Z07:00"

// scalarFault is what is wrong with a scalar, or nothing. Key says that it is part of a natural key.
func scalarFault(p *schema.Property, v value, key bool) string {
	if v.kind == '{' || v.kind == '[' {
		return fmt.Sprintf("Unexpected object or collection for %s.", title(p.Name))
	}
	if v.kind == flawed {
		return title(p.Name) + " contains a character that cannot be stored."
	}
	isText := v.kind == '"'
	switch p.Kind {
	case schema.KindString:
		if !isText {
			return fmt.Sprintf("Unexpected value for %s: a string is expected.", title(p.Name))
		}
		return textFault(p, v.text, key)
	case schema.KindInteger:
		return integerFault(p, string(v.text), key)
	case schema.KindNumber:
		return numberFault(p, string(v.text))
	case schema.KindBoolean:
		return booleanFault(v)
	case schema.KindDate:
		if at, err := time.Parse(time.DateOnly, string(v.text)); !isText || err != nil || at.Year() < 1 {
			return fmt.Sprintf("Could not convert string to date: %s. Expected format: 'YYYY-MM-DD'.", v.text)
		}
	case schema.KindDateTime:
		if _, ok := parseDateTime(string(v.text)); !isText || !ok {
			return fmt.Sprintf("Could not convert string to DateTime: %s.", v.text)
		}
	case schema.KindTime:
		if !isText || canonicalTime(string(v.text)) == "" {
			return fmt.Sprintf("Could not convert string to time: %s. Expected format: 'HH:mm:ss'.", v.text)
		}
	}
	return ""
}

func textFault(p *schema.Property, text []byte, key bool) string {
	if len(bytes.TrimSpace(text)) == 0 {
		if p.Required || key {
			return title(p.Name) + " is required and should not be left empty."
		}
		if len(text) == 0 && p.MinLength == 0 {
			return ""
		}
	}
	if tooLong(text, p.MaxLength) || len(text) < 3*p.MinLength && jsonl.UTF16Length(text) < p.MinLength {
		if p.MinLength > 0 {
			return fmt.Sprintf("%s must be between %d and %d characters in length.", title(p.Name), p.MinLength, p.MaxLength)
		}
		return fmt.Sprintf("%s must be at most %d characters in length.", title(p.Name), p.MaxLength)
	}
	switch {
	case p.Descriptor != "" && bytes.IndexByte(text, '#') < 0:
		return fmt.Sprintf("%s value '%s' is not a valid value for use as a descriptor (a '#' is expected to delimit the namespace and code value portions).", title(p.Name), text)
	case p.Descriptor != "":
		return ""
	case key && len(bytes.TrimSpace(text)) != len(text):
		return title(p.Name) + " cannot contain leading or trailing spaces."
	case dangerous(text):
		return title(p.Name) + " contains a value that could be dangerous. Please remove any HTML tags or put spaces around '<' and '&#'."
	}
	return ""
}

// tooLong compares in UTF-16 code units. No text has more of them than bytes, so that few are counted.
func tooLong(text []byte, most int) bool {
	return most > 0 && len(text) > most && jsonl.UTF16Length(text) > most
}

// dangerous is the rule of the cross-site-scripting filter in front of an ODS.
func dangerous(text []byte) bool {
	if bytes.Contains(text, []byte("&#")) {
		return true
	}
	for {
		_, rest, found := bytes.Cut(text, []byte("<"))
		if !found || len(rest) == 0 {
			return false
		}
		if c := rest[0]; c == '!' || c == '/' || c == '?' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return true
		}
		text = rest
	}
}

// integerFault also takes integers in quotes, as an ODS does.
func integerFault(p *schema.Property, text string, key bool) string {
	bits := 32
	if p.Int64 {
		bits = 64
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return fmt.Sprintf("Unexpected value for %s: %s is not an Int%d.", title(p.Name), text, bits)
	}
	if n == 0 && key {
		return title(p.Name) + " value must be different than 0."
	}
	return rangeFault(p, float64(n))
}

func numberFault(p *schema.Property, text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(n, 0) || strings.Trim(text, "0123456789+-.eE") != "" { // ParseFloat also knows hexadecimal and NaN
		return fmt.Sprintf("Unexpected value for %s: %s is not a decimal.", title(p.Name), text)
	}
	return rangeFault(p, n)
}

func rangeFault(p *schema.Property, v float64) string {
	if (p.Minimum == nil || v >= *p.Minimum) && (p.Maximum == nil || v <= *p.Maximum) {
		return ""
	}
	number := func(p *float64) string { return strconv.FormatFloat(*p, 'f', -1, 64) }
	switch {
	case p.Maximum == nil:
		return fmt.Sprintf("%s must be greater than or equal to %s.", title(p.Name), number(p.Minimum))
	case p.Minimum == nil:
		return fmt.Sprintf("%s must be less than or equal to %s.", title(p.Name), number(p.Maximum))
	}
	return fmt.Sprintf("%s must be between %s and %s.", title(p.Name), number(p.Minimum), number(p.Maximum))
}

// booleanFault takes what ODS/API 7 takes: true, false, 0 and 1, in quotes too.
func booleanFault(v value) string {
	if _, ok := parseBool(string(v.text)); ok {
		return ""
	}
	kind := "String"
	if v.kind == '0' {
		kind = "Integer"
	}
	return fmt.Sprintf("Unexpected value for boolean: %s (type: %s)", v.text, kind)
}

func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

var dateTimeLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", time.DateOnly,
}

// parseDateTime reads an ISO 8601 time; without a zone it is UTC.
func parseDateTime(text string) (time.Time, bool) {
	const blank = len(time.DateOnly)
	if len(text) > blank && text[blank] == ' ' {
		text = text[:blank] + "T" + text[blank+1:]
	}
	for _, layout := range dateTimeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, at.Year() > 0 && (len(text) == blank || plainClock(text[blank+1:]))
		}
	}
	return time.Time{}, false
}

// plainClock says that a time of day has two digits for the hour and no comma, without either of which
// time.Parse would take it.
func plainClock(text string) bool {
	return len(text) > 2 && text[2] == ':' && !strings.Contains(text, ",")
}

// canonicalTime is a time of day as HH:mm:ss, or nothing.
func canonicalTime(text string) string {
	for _, layout := range []string{"15:04:05.999999999", "15:04"} {
		if at, err := time.Parse(layout, text); err == nil && plainClock(text) {
			return at.Format(time.TimeOnly)
		}
	}
	return ""
}

// canonical is a value as text, the same for equal values: numbers without needless digits, times in
// UTC, and in lower case what is compared without regard to case.
func canonical(kind schema.Kind, text []byte, fold bool) string {
	return string(appendCanonical(nil, kind, text, fold))
}

// appendCanonical appends the canonical text.
func appendCanonical(dst []byte, kind schema.Kind, text []byte, fold bool) []byte {
	switch kind {
	case schema.KindInteger:
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return strconv.AppendInt(dst, n, 10)
		}
	case schema.KindNumber:
		if n, err := strconv.ParseFloat(string(text), 64); err == nil {
			return strconv.AppendFloat(dst, n, 'f', -1, 64)
		}
	case schema.KindBoolean:
		if b, ok := parseBool(string(text)); ok {
			return strconv.AppendBool(dst, b)
		}
	case schema.KindDateTime:
		if at, ok := parseDateTime(string(text)); ok {
			return at.UTC().AppendFormat(dst, dateTimeLayout)
		}
	case schema.KindTime:
		return append(dst, canonicalTime(string(text))...)
	case schema.KindString:
		if fold {
			return appendLower(dst, text)
		}
	}
	return append(dst, text...)
}

// appendLower appends text in lower case.
func appendLower(dst, text []byte) []byte {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			return append(dst, bytes.ToLower(text[i:])...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
