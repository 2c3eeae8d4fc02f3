package schema

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// space passes over white space and returns the character here, or 0 at the end.
func (s *run) space() byte {
	for s.i < len(s.data) {
		c := s.data[s.i]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.i++
	}
	return 0
}

// fail ends the check: the text is no JSON.
func (s *run) fail(message string) bool {
	if !s.broken {
		s.broken = true
		s.findAt(diag.RecordJSON, "$", nil, "", "character %d: %s", s.i+1, message)
	}
	return false
}

func (s *run) place(at *site) Place { return Place{site: at, at: s.at} }

func (s *run) find(code diag.Code, at Place, value []byte, fix, format string, args ...any) {
	s.findAt(code, at.String(), value, fix, format, args...)
}

func (s *run) findAt(code diag.Code, path string, value []byte, fix, format string, args ...any) {
	if s.keyOnly {
		return
	}
	s.rec.Findings = append(s.rec.Findings, Finding{Code: code, Level: diag.LevelOf(code), Path: path,
		Value: shorten(value), Message: fmt.Sprintf(format, args...), Fix: fix})
}

const shownLength = 120

// shorten keeps a value readable in a list of problems.
func shorten(value []byte) string {
	if len(value) <= shownLength {
		return string(value)
	}
	end := shownLength
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return string(value[:end]) + "…"
}

const (
	ones   = 0x0101010101010101
	quotes = ones * '"'
	slant  = ones * '\\'
	blanks = ones * ' '
)

// plainEnd is where a run of plain characters ends: at a quote, a backslash, a control character
// or anything that is not ASCII. Eight bytes are looked at at a time.
func plainEnd(data []byte, i int) int {
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		q, b := x^quotes, x^slant
		special := ((q - ones) &^ q) | ((b - ones) &^ b) | ((x - blanks) &^ x) | x
		if special &= highBits; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			break
		}
		i++
	}
	return i
}

// text reads the string that begins here and returns its decoded text; f, if there is one, is
// what it is for.
func (s *run) text(f *field) ([]byte, bool) {
	start := s.i + 1
	i := plainEnd(s.data, start)
	for i < len(s.data) {
		c := s.data[i]
		switch {
		case c == '"':
			s.i = i + 1
			return s.data[start:i:i], true
		case c == '\\':
			return s.escaped(f, start, i)
		case c < ' ':
			s.i = i
			return nil, s.fail("a line break or control character stands in a text; it must be written as \\n or \\u0000")
		}
		r, size := utf8.DecodeRune(s.data[i:])
		if r == utf8.RuneError && size == 1 {
			s.i = i
			return nil, s.fail("the text is not UTF-8")
		}
		i = plainEnd(s.data, i+size)
	}
	s.i = i
	return nil, s.fail("a quote is never closed")
}

// escaped goes on with a string that holds escapes; its text is put together in scratch.
func (s *run) escaped(f *field, start, i int) ([]byte, bool) {
	sc := &s.rec.scratch
	from := len(sc.text)
	for i < len(s.data) {
		sc.text = append(sc.text, s.data[start:i]...)
		switch c := s.data[i]; {
		case c == '"':
			s.i = i + 1
			return sc.text[from:len(sc.text):len(sc.text)], true
		case c == '\\':
			next, ok := s.escape(f, i)
			if !ok {
				return nil, false
			}
			i = next
		case c < ' ':
			s.i = i
			return nil, s.fail("a line break or control character stands in a text; it must be written as \\n or \\u0000")
		default:
			r, size := utf8.DecodeRune(s.data[i:])
			if r == utf8.RuneError && size == 1 {
				s.i = i
				return nil, s.fail("the text is not UTF-8")
			}
			sc.text = append(sc.text, s.data[i:i+size]...)
			i += size
		}
		start = i
		i = plainEnd(s.data, i)
	}
	s.i = i
	return nil, s.fail("a quote is never closed")
}

// escape decodes the escape at i and returns what follows it.
func (s *run) escape(f *field, i int) (int, bool) {
	sc := &s.rec.scratch
	s.i = i
	if i+1 >= len(s.data) {
		return 0, s.fail("a quote is never closed")
	}
	switch c := s.data[i+1]; c {
	case '"', '\\', '/':
		sc.text = append(sc.text, c)
	case 'b':
		sc.text = append(sc.text, '\b')
	case 'f':
		sc.text = append(sc.text, '\f')
	case 'n':
		sc.text = append(sc.text, '\n')
	case 'r':
		sc.text = append(sc.text, '\r')
	case 't':
		sc.text = append(sc.text, '\t')
	case 'u':
		return s.unicodeEscape(f, i)
	default:
		return 0, s.fail("a backslash stands before a character that needs none")
	}
	return i + 2, true
}

func (s *run) unicodeEscape(f *field, i int) (int, bool) {
	sc := &s.rec.scratch
	r, ok := hex4(s.data, i+2)
	if !ok {
		return 0, s.fail("four hexadecimal digits are expected behind \\u")
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low := rune(0)
		if i+1 < len(s.data) && s.data[i] == '\\' && s.data[i+1] == 'u' {
			low, _ = hex4(s.data, i+2)
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			r, i = pair, i+6
		} else {
			r = utf8.RuneError
			s.note(f, "holds half a character (a lone surrogate)")
		}
	}
	if r == 0 {
		s.note(f, "holds a NUL character, which databases refuse")
	}
	sc.text = utf8.AppendRune(sc.text, r)
	return i, true
}

// note finds fault with the characters of a text.
func (s *run) note(f *field, what string) {
	if f != nil {
		s.find(diag.RecordSchema, s.place(f.site), nil, "", "%s %s", f.Name, what)
	}
}

func hex4(data []byte, i int) (rune, bool) {
	if i+4 > len(data) {
		return 0, false
	}
	var r rune
	for _, c := range data[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func (s *run) literal(word string) bool {
	if end := s.i + len(word); end <= len(s.data) && string(s.data[s.i:end]) == word {
		s.i = end
		return true
	}
	return s.fail("a value is expected: text in quotes, a number, true, false, null, { or [")
}

// numberText passes over a number; whole says that it has neither a fraction nor an exponent.
func (s *run) numberText() (whole, ok bool) {
	whole = true
	if s.data[s.i] == '-' {
		s.i++
	}
	first := s.i
	if n := s.digits(); n == 0 || n > 1 && s.data[first] == '0' {
		s.i = first
		return false, s.fail("a number is expected; it does not begin with 0")
	}
	if s.i < len(s.data) && s.data[s.i] == '.' {
		whole = false
		s.i++
		if s.digits() == 0 {
			return false, s.fail("digits are expected behind a decimal point")
		}
	}
	if s.i < len(s.data) && (s.data[s.i] == 'e' || s.data[s.i] == 'E') {
		whole = false
		s.i++
		if s.i < len(s.data) && (s.data[s.i] == '+' || s.data[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return false, s.fail("digits are expected in an exponent")
		}
	}
	return whole, true
}

func (s *run) digits() int {
	start := s.i
	for s.i < len(s.data) && '0' <= s.data[s.i] && s.data[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// skip passes over a value of any kind, which must be JSON all the same.
func (s *run) skip() bool {
	switch c := s.space(); {
	case c == '"':
		_, ok := s.text(nil)
		return ok
	case c == '{':
		return s.skipAll('}', true)
	case c == '[':
		return s.skipAll(']', false)
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == '-' || '0' <= c && c <= '9':
		_, ok := s.numberText()
		return ok
	default:
		return s.literal("null")
	}
}

// skipAll passes over the members of an object or the items of a list.
func (s *run) skipAll(end byte, named bool) bool {
	s.i++
	if s.nested++; s.nested > maxDepth {
		return s.fail("objects stand too deep in each other")
	}
	if s.space() == end {
		s.i++
		s.nested--
		return true
	}
	for {
		if named {
			if s.space() != '"' {
				return s.fail("a name in quotes is expected")
			}
			if _, ok := s.text(nil); !ok {
				return false
			}
			if s.space() != ':' {
				return s.fail("a colon is expected behind a name")
			}
			s.i++
		}
		if !s.skip() {
			return false
		}
		switch s.space() {
		case ',':
			s.i++
		case end:
			s.i++
			s.nested--
			return true
		default:
			return s.fail("a comma or the end of an object or list is expected")
		}
	}
}
