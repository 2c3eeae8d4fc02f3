package schema

import (
	"bytes"
	"math"
	"strconv"

	"github.com/sluice-edfi/sluice/pkg/jsonl"
)

// number checks a whole number or a decimal.
func (s *run) number(f *field) bool {
	start := s.in.Pos
	whole, ok := s.in.Number()
	if !ok {
		return false
	}
	s.checkNumber(f, s.in.Data[start:s.in.Pos], whole)
	return true
}

// quotedNumber checks a number in quotes, which most targets take.
func (s *run) quotedNumber(f *field) bool {
	text, ok := s.text(f)
	if !ok {
		return false
	}
	in := jsonl.Scanner{Data: text}
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		s.isWrongKind(f, text, '"')
		return true
	}
	whole, ok := in.Number()
	if !ok || in.Pos < len(text) {
		s.isWrongKind(f, text, '"')
		return true
	}
	s.warn(f, "a number stands in quotes; some targets refuse that")
	s.checkNumber(f, text, whole)
	return true
}

func (s *run) checkNumber(f *field, text []byte, whole bool) {
	if f.Kind == KindInteger {
		s.integer(f, text, whole)
		return
	}
	if bytes.ContainsAny(text, "eE") {
		s.warn(f, "the number has an exponent; some targets do not read that")
	}
	s.inRange(f, text)
	text = canonicalNumber(text)
	if point := bytes.IndexByte(text, '.'); f.digits != none && point >= 0 && len(text)-point-1 > f.digits {
		s.warn(f, "the number has more digits behind the point than targets keep; some round it")
	}
	s.keep(f, text, 0)
}

func (s *run) integer(f *field, text []byte, whole bool) {
	if !whole {
		s.wrong(f, text, "", "%s must be a whole number", f.Name)
		return
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	switch {
	case err != nil || !f.Int64 && (n < math.MinInt32 || n > math.MaxInt32):
		limit := int64(math.MaxInt32)
		if f.Int64 {
			limit = math.MaxInt64
		}
		s.wrong(f, text, "", "%s is too large a number; from %d to %d are allowed", f.Name, -limit-1, limit)
		return
	case n == 0 && (f.slot != none || f.part != none):
		s.wrong(f, text, "", "%s is 0, which targets read as not given", f.Name)
		return
	}
	s.inRange(f, text)
	if n == 0 {
		text = text[len(text)-1:] // -0 is 0
	}
	s.keep(f, text, 0)
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

// canonicalNumber cuts off what does not change a decimal's value: 5.50 is 5.5, 5.0 is 5, 5e1 is 50.
func canonicalNumber(text []byte) []byte {
	if bytes.ContainsAny(text, "eE") {
		if n, err := strconv.ParseFloat(string(text), 64); err == nil {
			text = strconv.AppendFloat(nil, n, 'f', -1, 64)
		}
	}
	if bytes.IndexByte(text, '.') >= 0 {
		text = bytes.TrimRight(text, "0")
		text = bytes.TrimSuffix(text, []byte("."))
	}
	if len(text) == 2 && text[0] == '-' && text[1] == '0' {
		text = text[1:]
	}
	return text
}

// booleans are the spellings of true and false, in lower case.
var booleans = map[string]string{"true": "true", "1": "true", "false": "false", "0": "false"}

// otherBoolean checks what some targets read as true or false, too: both in quotes and in any case, 1 and 0.
func (s *run) otherBoolean(f *field, c byte) bool {
	start := s.in.Pos
	var text []byte
	var ok bool
	if c == '"' {
		text, ok = s.text(f)
	} else {
		_, ok = s.in.Number()
		text = s.in.Data[start:s.in.Pos]
	}
	if !ok {
		return false
	}
	word, known := booleans[string(bytes.ToLower(text))]
	if !known || s.allRefuse(refuseOtherBooleans) {
		s.isWrongKind(f, s.in.Data[start:s.in.Pos], c)
		return true
	}
	s.warn(f, "true or false is written as a text or a number; some targets refuse that")
	s.keep(f, []byte(word), 0)
	return true
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
