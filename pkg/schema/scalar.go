package schema

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// string checks a text, date, time or descriptor value.
func (s *run) string(f *field) bool {
	if f.Descriptor != "" && f.Kind == KindString {
		return s.descriptor(f)
	}
	value, ok := s.text(f)
	if !ok {
		return false
	}
	switch f.Kind {
	case KindDate:
		if !isDate(value) {
			s.wrong(f, value, "Write it as 2025-03-04.", "%s is not a date", f.Name)
			return true
		}
	case KindDateTime:
		switch {
		case isDate(value):
			s.findPlainDate(f)
		case !isDateTime(value):
			s.wrong(f, value, "Write it as 2025-03-04T14:00:00Z.", "%s is not a date with time", f.Name)
			return true
		case len(value) == len("2025-03-04T14:00") || value[len("2025-03-04T14:00")] != ':':
			s.warn(f, "the time has no seconds; some targets refuse that")
		}
		if f.slot != none || f.part != none || f.item != none || f.group != none {
			value = canonicalDateTime(value)
		}
	case KindTime:
		if !isTime(value) {
			s.wrong(f, value, "Write it as 14:05:00.", "%s is not a time of day", f.Name)
			return true
		}
	default:
		if !s.checkText(f, value) {
			return true
		}
	}
	s.keep(f, value, 0)
	return true
}

// text reads a text for a field.
func (s *run) text(f *field) ([]byte, bool) {
	plain := len(s.in.Decoded)
	value, ok := s.in.Text()
	if len(s.in.Decoded) > plain {
		s.checkCharacters(f, value)
	}
	return value, ok
}

// checkCharacters finds fault with characters that targets refuse. A text of plain ones has none.
func (s *run) checkCharacters(f *field, value []byte) {
	if (f.trim || f.Descriptor != "") && bytes.ContainsAny(value, "\n\r\u2028\u2029\ufeff") {
		s.warn(f, "a key holds a line break or a byte order mark; some targets refuse or drop it")
	}
	for _, flaw := range s.in.Flaws {
		what := "holds a NUL character, which databases refuse"
		if flaw == jsonl.LoneSurrogate {
			what = "holds half a character (a lone surrogate)"
		}
		s.wrong(f, nil, "", "%s %s", f.Name, what)
	}
}

// checkText checks a text's blanks and length; false means that it is as good as missing.
func (s *run) checkText(f *field, value []byte) bool {
	if len(value) == 0 || mayBeBlank(value[0]) || mayBeBlank(value[len(value)-1]) {
		trimmed := bytes.TrimSpace(value)
		if len(trimmed) == 0 && (f.Required || f.trim || f.Descriptor != "") {
			s.wrong(f, value, "", "%s is blank", f.Name)
			return false
		}
		if f.trim && len(trimmed) < len(value) {
			s.wrong(f, value, "Remove them; keys are compared character by character.", "%s has blanks at its beginning or end", f.Name)
		} else if len(trimmed) < len(value) {
			s.warn(f, "the text begins or ends with a blank; some targets refuse or drop it")
		}
	}
	if f.MaxLength > 0 && len(value) > f.MaxLength { // no text has more UTF-16 units than bytes
		if n := jsonl.UTF16Length(value); n > f.MaxLength {
			s.wrong(f, value, "", "%s is %d characters long, at most %d are allowed", f.Name, n, f.MaxLength)
		}
	}
	if f.MinLength > 0 && len(value) < 3*f.MinLength { // no text has more than three bytes for each unit
		if n := jsonl.UTF16Length(value); n < f.MinLength {
			s.wrong(f, value, "", "%s is %d characters long, at least %d are needed", f.Name, n, f.MinLength)
		}
	}
	return true
}

func mayBeBlank(c byte) bool { return c <= ' ' || c >= utf8.RuneSelf }

// findPlainDate notes a date where a date with time is due. That is worth knowing, not wrong, and may
// be so in every record: outside collections it costs no allocation.
func (s *run) findPlainDate(f *field) {
	path := f.path.pieces[0]
	if len(f.path.pieces) > 1 {
		path = s.place(f.path).String()
	}
	s.rec.Findings = append(s.rec.Findings, Finding{Code: diag.RecordDate, Level: diag.LevelInfo, Path: path,
		Message: "this is a date without a time, where one with a time belongs; targets read it as midnight"})
}

// isDate reports whether v is a date that exists, as in 2025-03-04.
func isDate(v []byte) bool {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' {
		return false
	}
	year, month, day := digits(v[:4]), digits(v[5:7]), digits(v[8:])
	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
		(day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day)
}

// digits is the number that v writes, or none.
func digits(v []byte) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return none
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// isTime reports whether v is a time of day, as in 14:05, 14:05:30 or 14:05:30.25.
func isTime(v []byte) bool {
	upTo := func(v []byte, highest int) bool { n := digits(v); return n != none && n <= highest }
	minutes := len(v) >= 5 && v[2] == ':' && upTo(v[:2], 23) && upTo(v[3:5], 59)
	if !minutes || len(v) == 5 {
		return minutes
	}
	seconds := len(v) >= 8 && v[5] == ':' && upTo(v[6:8], 59)
	if !seconds || len(v) == 8 {
		return seconds
	}
	return v[8] == '.' && len(v) >= 10 && len(v) <= 18 && digits(v[9:]) != none
}

// isDateTime reports whether v is a date, T and a time, and then Z, an offset or nothing, which
// means UTC.
func isDateTime(v []byte) bool {
	if len(v) < 16 || v[10] != 'T' || !isDate(v[:10]) {
		return false
	}
	clock := v[11:]
	if clock[len(clock)-1] == 'Z' {
		clock = clock[:len(clock)-1]
	} else if n := len(clock) - 6; n >= 5 && (clock[n] == '+' || clock[n] == '-') {
		if len(clock[n+1:]) != 5 || !isTime(clock[n+1:]) {
			return false
		}
		clock = clock[:n]
	}
	return isTime(clock)
}

// canonicalDateTime writes a date with time as a target compares it: in UTC.
func canonicalDateTime(v []byte) []byte {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, string(v)); err == nil {
			return t.UTC().AppendFormat(nil, time.RFC3339Nano)
		}
	}
	return v
}

// number checks a whole number or a decimal.
func (s *run) number(f *field) bool {
	start := s.in.Pos
	whole, ok := s.in.Number()
	if !ok {
		return false
	}
	text := s.in.Data[start:s.in.Pos]
	if f.Kind == KindInteger {
		return s.integer(f, text, whole)
	}
	if bytes.ContainsAny(text, "eE") {
		s.wrong(f, text, "Write it in full.", "%s has an exponent, which targets do not read", f.Name)
		return true
	}
	s.inRange(f, text)
	s.keep(f, canonicalNumber(text), 0)
	return true
}

func (s *run) integer(f *field, text []byte, whole bool) bool {
	if !whole {
		s.wrong(f, text, "", "%s must be a whole number", f.Name)
		return true
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	switch {
	case err != nil || !f.Int64 && (n < math.MinInt32 || n > math.MaxInt32):
		limit := int64(math.MaxInt32)
		if f.Int64 {
			limit = math.MaxInt64
		}
		s.wrong(f, text, "", "%s is too large a number; from %d to %d are allowed", f.Name, -limit-1, limit)
		return true
	case n == 0 && (f.slot != none || f.part != none):
		s.wrong(f, text, "", "%s is 0, which targets read as not given", f.Name)
		return true
	}
	s.inRange(f, text)
	if n == 0 {
		text = text[len(text)-1:] // -0 is 0
	}
	s.keep(f, text, 0)
	return true
}

func (s *run) inRange(f *field, text []byte) {
	if f.Minimum == nil && f.Maximum == nil {
		return
	}
	n, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil:
		s.wrong(f, text, "", "%s is too large a number", f.Name)
	case f.Minimum != nil && n < *f.Minimum:
		s.wrong(f, text, "", "%s is %s, at least %s is allowed", f.Name, shorten(text), boundText(*f.Minimum))
	case f.Maximum != nil && n > *f.Maximum:
		s.wrong(f, text, "", "%s is %s, at most %s is allowed", f.Name, shorten(text), boundText(*f.Maximum))
	}
}

// boundText writes a bound in full, never with an exponent.
func boundText(bound float64) string { return strconv.FormatFloat(bound, 'f', -1, 64) }

// canonicalNumber cuts off what does not change a decimal's value: 5.50 is 5.5, 5.0 is 5.
func canonicalNumber(text []byte) []byte {
	if bytes.IndexByte(text, '.') >= 0 {
		text = bytes.TrimRight(text, "0")
		text = bytes.TrimSuffix(text, []byte("."))
	}
	if len(text) == 2 && text[0] == '-' && text[1] == '0' {
		text = text[1:]
	}
	return text
}

func (s *run) boolean(f *field, c byte) bool {
	word := "true"
	if c == 'f' {
		word = "false"
	}
	start := s.in.Pos
	if !s.in.Literal(word) {
		return false
	}
	s.keep(f, s.in.Data[start:s.in.Pos], 0)
	return true
}
