package strictyaml

import (
	"strings"
	"unicode/utf8"
)

// plainTexts looks at the plain texts of a document before the lexer does, for two things that it reads wrongly. A quote
// inside of a plain text means nothing to YAML, so a `: ` or a comma between such quotes ends the text there; the lexer
// then takes the second quote for the beginning of a text that goes on for lines, and what is reported stands far from
// the slip. And a colon without a blank behind it belongs to its text, also in braces.
//
// What it finds it reports, and replaces in the lines: the slip by a word, the colon by a mark that plain takes back.
func (s *source) plainTexts() {
	p := plainScanner{source: s, block: -1}
	for i := range s.lines {
		if !p.line(i + 1) {
			return
		}
	}
}

// colonMark stands for a colon that belongs to its text while lexer and parser are at work. It is of a private area of
// Unicode, and refused where it stands in a document.
const colonMark = "\uf8f0"

func unmarked(s string) string { return strings.ReplaceAll(s, colonMark, ":") }

// plainScanner knows where in the document it is.
type plainScanner struct {
	*source
	open  []byte // brackets
	value bool   // the next text stands behind `key:`
	block int    // indentation of the line with the bar of a block; -1 outside of one
	edits []edit // of the line at hand
}

// edit replaces a part of a line by as many characters.
type edit struct {
	start, end int
	by         string
}

// apply makes the edits of a line, all at once: a line may have very many.
func (p *plainScanner) apply(n int) {
	if len(p.edits) == 0 {
		return
	}
	var b strings.Builder
	l, done := p.lines[n-1], 0
	for _, e := range p.edits {
		b.WriteString(l[done:e.start] + e.by)
		done = e.end
	}
	p.lines[n-1], p.edits = b.String()+l[done:], p.edits[:0]
}

// line scans line n; false if nothing can be said of what follows.
func (p *plainScanner) line(n int) bool {
	l := p.lines[n-1]
	indent := len(l) - len(strings.TrimLeft(l, " "))
	if p.block >= 0 {
		if indent > p.block || indent == len(l) {
			return true
		}
		p.block = -1
	}
	defer p.apply(n)
	for i := indent; i < len(l); {
		c := l[i]
		switch {
		case c == ' ' || c == '\t':
			i++
		case c == '#':
			return true
		case c == '"' || c == '\'':
			quoted, ok := scanQuoted(l[i:], 0)
			if !ok {
				return false // reported by the converter
			}
			i += quoted.length
		case c == '{' || c == '[':
			p.open, p.value = append(p.open, c), false
			i++
		case c == '}' || c == ']' || c == ',':
			if c != ',' && len(p.open) > 0 {
				p.open = p.open[:len(p.open)-1]
			}
			p.value = false
			i++
		case c == ':' || c == '-' && strings.HasPrefix(l[i:], "- "):
			p.value = c == ':'
			i++
		case (c == '|' || c == '>') && len(p.open) == 0:
			p.block = indent
			return true
		default:
			i = p.plain(n, i)
		}
	}
	if len(p.open) == 0 {
		p.value = false
	}
	return true
}

// plain scans the plain text at a byte of line n, and says where it ends.
func (p *plainScanner) plain(n, start int) int {
	l, slip := p.lines[n-1], -1
	i := start
	for ; i < len(l) && !p.ends(l, i); i++ {
		quote := l[i] == '"' || l[i] == '\'' && len(p.open) == 0 // in a list an apostrophe is the likelier one
		if i == start || !quote || !strings.ContainsRune(" (+=<>!,", rune(l[i-1])) {
			continue
		}
		length := strings.IndexByte(l[i+1:], l[i])
		for k := i + 1; k <= i+length && slip < 0; k++ {
			if p.ends(l, k) {
				slip = i
			}
		}
		if length >= 0 {
			i += length + 1
		}
	}
	end := min(i, len(l))
	text := strings.TrimRight(l[start:end], " \t")
	switch {
	case slip >= 0:
		if len(p.problems) < maxListed {
			p.problem(p.pos(n, utf8.RuneCountInString(l[:slip])+1), "Quote the whole text: "+inQuotes(text)+".",
				"YAML ends this text inside the quotes, which mean nothing to it here")
		}
		word := "x" + strings.Repeat(" ", utf8.RuneCountInString(l[start:end])-1) // what follows stays in its column
		p.edits = append(p.edits, edit{start, end, word})
	case len(p.open) > 0 && (p.value || p.open[len(p.open)-1] == '[') && strings.Contains(text, ":"):
		p.edits = append(p.edits, edit{start, start + len(text), strings.ReplaceAll(text, ":", colonMark)})
	}
	return end
}

// ends reports whether YAML ends a plain text at a byte.
func (p *plainScanner) ends(l string, i int) bool {
	switch l[i] {
	case ',', '[', ']', '{', '}':
		return len(p.open) > 0
	case ':':
		return i+1 == len(l) || l[i+1] == ' ' || l[i+1] == '\t' || len(p.open) > 0 && strings.IndexByte(",[]{}", l[i+1]) >= 0
	case '#':
		return i > 0 && (l[i-1] == ' ' || l[i-1] == '\t')
	}
	return false
}

// inQuotes is a text as a quoted one.
func inQuotes(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
