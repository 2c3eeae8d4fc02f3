package jsonl

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner walks over one JSON text without building anything: what is at Pos is read with the
// method of its kind, or skipped. It accepts what encoding/json accepts, but insists on UTF-8.
// A method that finds the text malformed fails and returns false; the caller then stops. The zero
// value with Data scans that text; it is owned by one goroutine.
type Scanner struct {
	Data    []byte
	Pos     int
	Problem string // why the text is not JSON at Pos; empty as long as it may be
	Flaws   []Flaw // of the text read last
	Decoded []byte // room for texts that are not plain, to reuse between scanners

	nested int // open objects and lists
}

// Flaw is something in a text that JSON allows and that targets refuse.
type Flaw uint8

// The flaws of texts.
const (
	LoneSurrogate Flaw = iota
	NUL
)

// maxDepth bounds how deep objects and lists may nest; records of the data standards need six.
const maxDepth = 100

const (
	unclosed  = "a quote is never closed"
	notUTF8   = "the text is not UTF-8"
	unescaped = "a text contains a line break or control character; it must be written as \\n or \\u0000"
)

// Fail notes the first problem and returns false.
func (s *Scanner) Fail(problem string) bool {
	if s.Problem == "" {
		s.Problem = problem
	}
	return false
}

// Peek passes over white space and returns the character after it, or 0 at the end.
func (s *Scanner) Peek() byte {
	for s.Pos < len(s.Data) {
		c := s.Data[s.Pos]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.Pos++
	}
	return 0
}

// Enter passes over the { or [ at Pos; it fails with the problem given if that nests too deep.
func (s *Scanner) Enter(tooDeep string) bool {
	s.Pos++
	s.nested++
	return s.nested <= maxDepth || s.Fail(tooDeep)
}

// Leave follows Enter when the object or list has ended.
func (s *Scanner) Leave() { s.nested-- }

// Colon passes over the colon between a name and its value.
func (s *Scanner) Colon() bool {
	if s.Peek() != ':' {
		return s.Fail("a colon is expected after a name")
	}
	s.Pos++
	return true
}

const (
	ones     = 0x0101010101010101
	quotes   = ones * '"'
	slants   = ones * '\\'
	blanks   = ones * ' '
	highBits = ones * 0x80
)

// plainEnd is where a run of plain characters ends: at a quote, a backslash, a control character
// or anything that is not ASCII. It looks at eight bytes at a time.
func plainEnd(data []byte, i int) int {
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		q, b := x^quotes, x^slants
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

// Text reads the text that begins at Pos. A text of plain characters is returned as a part of Data,
// others are put together in Decoded.
func (s *Scanner) Text() ([]byte, bool) {
	s.Flaws = s.Flaws[:0]
	start := s.Pos + 1
	if end := plainEnd(s.Data, start); end < len(s.Data) && s.Data[end] == '"' {
		s.Pos = end + 1
		return s.Data[start:end:end], true
	}
	return s.decode(start)
}

// decode reads a text with characters that are not plain; start is after its quote.
func (s *Scanner) decode(start int) ([]byte, bool) {
	from := len(s.Decoded)
	for i := start; ; {
		end := plainEnd(s.Data, i)
		s.Decoded = append(s.Decoded, s.Data[i:end]...)
		s.Pos = end
		switch {
		case end == len(s.Data):
			return nil, s.Fail(unclosed)
		case s.Data[end] == '"':
			s.Pos++
			return s.Decoded[from:len(s.Decoded):len(s.Decoded)], true
		case s.Data[end] < ' ':
			return nil, s.Fail(unescaped)
		}
		var ok bool
		if s.Data[end] == '\\' {
			i, ok = s.escape(end)
		} else {
			i, ok = s.character(end)
		}
		if !ok {
			return nil, false
		}
	}
}

// character takes over the character at i, which is not ASCII, and returns what follows it.
func (s *Scanner) character(i int) (next int, ok bool) {
	r, size := utf8.DecodeRune(s.Data[i:])
	if r == utf8.RuneError && size == 1 {
		return 0, s.Fail(notUTF8)
	}
	s.Decoded = append(s.Decoded, s.Data[i:i+size]...)
	return i + size, true
}

// escape decodes the escape at i and returns what follows it.
func (s *Scanner) escape(i int) (next int, ok bool) {
	if i+1 >= len(s.Data) {
		return 0, s.Fail(unclosed)
	}
	c := s.Data[i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicodeEscape(i)
	default:
		return 0, s.Fail("there is a backslash before a character that needs none")
	}
	s.Decoded = append(s.Decoded, c)
	return i + 2, true
}

func (s *Scanner) unicodeEscape(i int) (next int, ok bool) {
	r, ok := hex4(s.Data, i+2)
	if !ok {
		return 0, s.Fail("four hexadecimal digits are expected after \\u")
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low := rune(0)
		if i+1 < len(s.Data) && s.Data[i] == '\\' && s.Data[i+1] == 'u' {
			low, _ = hex4(s.Data, i+2)
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			r, i = pair, i+6
		} else {
			r = utf8.RuneError
			s.Flaws = append(s.Flaws, LoneSurrogate)
		}
	}
	if r == 0 {
		s.Flaws = append(s.Flaws, NUL)
	}
	s.Decoded = utf8.AppendRune(s.Decoded, r)
	return i, true
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

// Literal passes over true, false or null.
func (s *Scanner) Literal(word string) bool {
	if end := s.Pos + len(word); end <= len(s.Data) && string(s.Data[s.Pos:end]) == word {
		s.Pos = end
		return true
	}
	return s.Fail("a value is expected: text in quotes, a number, true, false, null, { or [")
}

// Number passes over a number; whole says that it has neither a fraction nor an exponent.
func (s *Scanner) Number() (whole, ok bool) {
	whole = true
	if s.Data[s.Pos] == '-' {
		s.Pos++
	}
	first := s.Pos
	if n := s.digits(); n == 0 || n > 1 && s.Data[first] == '0' {
		s.Pos = first
		return false, s.Fail("a number is expected; numbers do not begin with 0")
	}
	if s.Pos < len(s.Data) && s.Data[s.Pos] == '.' {
		whole = false
		s.Pos++
		if s.digits() == 0 {
			return false, s.Fail("digits are expected after a decimal point")
		}
	}
	if s.Pos < len(s.Data) && (s.Data[s.Pos] == 'e' || s.Data[s.Pos] == 'E') {
		whole = false
		s.Pos++
		if s.Pos < len(s.Data) && (s.Data[s.Pos] == '+' || s.Data[s.Pos] == '-') {
			s.Pos++
		}
		if s.digits() == 0 {
			return false, s.Fail("digits are expected in an exponent")
		}
	}
	return whole, true
}

func (s *Scanner) digits() int {
	start := s.Pos
	for s.Pos < len(s.Data) && '0' <= s.Data[s.Pos] && s.Data[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Pos - start
}

// Skip passes over a value of any kind, which must be JSON all the same.
func (s *Scanner) Skip() bool {
	switch c := s.Peek(); {
	case c == '"':
		_, ok := s.Text()
		return ok
	case c == '{':
		return s.skipMembers('}')
	case c == '[':
		return s.skipMembers(']')
	case c == 't':
		return s.Literal("true")
	case c == 'f':
		return s.Literal("false")
	case c == '-' || '0' <= c && c <= '9':
		_, ok := s.Number()
		return ok
	default:
		return s.Literal("null")
	}
}

// skipMembers passes over an object that ends with }, or a list that ends with ].
func (s *Scanner) skipMembers(end byte) bool {
	if !s.Enter("objects are nested too deeply") {
		return false
	}
	defer s.Leave()
	if s.Peek() == end {
		s.Pos++
		return true
	}
	for {
		if end == '}' && !s.skipName() {
			return false
		}
		if !s.Skip() {
			return false
		}
		switch s.Peek() {
		case ',':
			s.Pos++
		case end:
			s.Pos++
			return true
		default:
			return s.Fail("a comma or the end of an object or list is expected")
		}
	}
}

func (s *Scanner) skipName() bool {
	if s.Peek() != '"' {
		return s.Fail("a name in quotes is expected")
	}
	_, ok := s.Text()
	return ok && s.Colon()
}

// UTF16Length is the length of a text as Ed-Fi targets count it: a character outside the basic
// plane is two.
func UTF16Length[T string | []byte](s T) int {
	n := 0
	for _, r := range string(s) {
		n += utf16.RuneLen(r)
	}
	return n
}
