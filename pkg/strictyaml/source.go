package strictyaml

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// MaxSize bounds a document, in bytes: the largest known mappings are under 100 KB.
const MaxSize = 512 << 10

// maxDepth bounds nesting, so that a crafted file cannot exhaust the stack of a recursive parser.
const maxDepth = 64

// maxTokens bounds the words and marks of a document: the parser's time grows with the square of the
// number of keys in a map.
const maxTokens = 50_000

// maxListed bounds the problems of one file: in a broken one every line may have one.
const maxListed = 200

var byteOrderMark = []byte("\xef\xbb\xbf")

// Snippets fills in the source line of each problem of file that has none.
func Snippets(list diag.List, file string, src []byte) {
	lines := strings.Split(strings.ToValidUTF8(string(bytes.TrimPrefix(src, byteOrderMark)), "\uFFFD"), "\n")
	for i, p := range list {
		if p.Snippet == "" && p.File == file && p.Line >= 1 && p.Line <= len(lines) {
			list[i].Snippet = strings.TrimRight(lines[p.Line-1], "\r")
		}
	}
}

// source is the text of one document while it is parsed.
type source struct {
	file     string
	code     diag.Code
	lines    []string
	problems diag.List

	indexed int   // the line that offsets belong to; it makes at fast on lines with many tokens
	offsets []int // the byte offset of each of its characters, and of its end

	located int // the line of the token that was located last
	end     int // the column after that token
}

func (s *source) pos(line, col int) diag.Pos { return diag.Pos{File: s.file, Line: line, Col: col} }

func (s *source) problem(pos diag.Pos, fix, format string, args ...any) {
	if len(s.problems) < maxListed {
		s.problems = append(s.problems, diag.At(pos, s.code, fix, format, args...))
	}
}

// line is a line of the source, from 1.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// at is the rest of line n from column col on, both counted from 1.
func (s *source) at(n, col int) string {
	l := s.line(n)
	if s.indexed != n {
		s.indexed, s.offsets = n, s.offsets[:0]
		for i := range l {
			s.offsets = append(s.offsets, i)
		}
		s.offsets = append(s.offsets, len(l))
	}
	return l[s.offsets[max(min(col-1, len(s.offsets)-1), 0)]:]
}

// locate finds the column, from 1, at which a token that reads want begins. Tokens are asked for in the
// order of the source, so that there are only separators between the last token and the next of the
// same line. The parser's own column, which is wrong after tabs and in some flow collections, is used
// where that does not lead to the token.
func (s *source) locate(n, col int, want string) int {
	from := 1
	if s.located == n {
		from = s.end
	}
	tail := s.at(n, from)
	for i := range tail {
		if strings.HasPrefix(tail[i:], want) {
			return s.found(n, from+runes(tail[:i]), want)
		}
		if !strings.ContainsRune(" \t:,[]{}-?", rune(tail[i])) {
			break
		}
	}
	tail = s.at(n, col)
	blanks := len(tail) - len(strings.TrimLeft(tail, " \t"))
	return s.found(n, max(col, 1)+blanks, want)
}

func (s *source) found(n, col int, want string) int {
	s.located, s.end = n, col+runes(want)
	return col
}

// read checks what the bytes alone can tell, and returns the text to parse, without byte order mark and
// with LF line ends. ok is false if there is no sense in parsing it.
func (s *source) read(src []byte) (text string, ok bool) {
	if len(src) > MaxSize {
		s.problem(s.pos(0, 0), "Move data into tables.", "the file is larger than %d KiB", MaxSize>>10)
		return "", false
	}
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) {
		s.problem(s.pos(1, 1), "Save it as UTF-8.", "the file is UTF-16, not UTF-8")
		return "", false
	}
	src = bytes.TrimPrefix(src, byteOrderMark)
	text = strings.ReplaceAll(string(src), "\r\n", "\n")
	s.lines = strings.Split(text, "\n")
	ok = true
	for i, l := range s.lines {
		if !s.checkLine(i+1, l) {
			ok = false
		}
	}
	if ok && strings.TrimSpace(text) == "" {
		s.problem(s.pos(1, 1), "", "the file is empty")
		return "", false
	}
	if ok {
		s.plainTexts()
		text = strings.Join(s.lines, "\n")
	}
	return text, ok
}

// checkLine refuses characters that have no place in a text file, and tabs as indentation.
func (s *source) checkLine(n int, l string) bool {
	col := 0
	for i, r := range l {
		col++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(l[i:], "\uFFFD"):
			s.problem(s.pos(n, col), "Save the file as UTF-8.", "this is not UTF-8: byte %#02x", l[i])
		case r == '\r':
			s.problem(s.pos(n, col), "Save the file with LF or CRLF line ends.", "there is a carriage return without a line feed")
		case r == 0:
			s.problem(s.pos(n, col), "Save the file as UTF-8.", "there is a NUL byte in the file")
		case r == '\uFEFF':
			s.problem(s.pos(n, col), "Delete it.", "there is an invisible byte order mark inside the file")
		case string(r) == colonMark:
			s.problem(s.pos(n, col), "Delete it.", "there is the private-use character %U", r)
		case r != '\t' && r != '\u0085' && unicode.IsControl(r):
			s.problem(s.pos(n, col), `Write it as an escape in double quotes, as in "\u0007".`, "there is the control character %U", r)
		default:
			continue
		}
		return false
	}
	if (strings.HasPrefix(l, "---") || strings.HasPrefix(l, "...")) && len(l) > 3 && l[3] != ' ' {
		s.problem(s.pos(n, 1), "Quote the text.", "%q begins a document", l[:3])
		return false
	}
	indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 && len(indent) < len(l) {
		s.problem(s.pos(n, i+1), "Indent with blanks.", "there is a tab in the indentation")
		return false
	}
	return true
}
