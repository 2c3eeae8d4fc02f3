package strictyaml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Parse reads a bundle's document. The list holds everything that is wrong with it, with snippets. The
// node is nil if the document cannot be read as YAML at all; otherwise it is good enough for the caller
// to look for more problems.
func Parse(file string, src []byte) (*Node, diag.List) { return ParseAs(diag.BundleYAML, file, src) }

// ParseAs is Parse for other files, whose problems have another code.
func ParseAs(code diag.Code, file string, src []byte) (*Node, diag.List) {
	s := &source{file: file, code: code}
	var root *Node
	if text, ok := s.read(src); ok {
		root = s.parse(text)
	}
	s.problems.Sort()
	Snippets(s.problems, file, src)
	return root, s.problems
}

func (s *source) parse(text string) *Node {
	tokens, ok := s.tokens(text)
	if !ok {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		s.syntax(err, 0)
		s.sections(text)
		return nil
	}
	body := s.body(file)
	if body == nil {
		return nil
	}
	c := &converter{source: s, seen: map[*token.Token]bool{}}
	root := c.node(body)
	c.forgotten(tokens)
	return root
}

// parseTokens runs the parser; if it panics, that is a syntax error like others.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer recovered(&err)
	var kept token.Tokens
	for _, t := range tokens { // comments confuse the parser, and are not needed
		if !isComment(t) {
			kept = append(kept, t)
		}
	}
	return parser.Parse(kept, 0, parser.AllowDuplicateMapKey())
}

func tokenize(text string) (tokens token.Tokens, err error) {
	defer recovered(&err)
	return lexer.Tokenize(text), nil
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("this is not YAML: %v", r)
	}
}

func isComment(t *token.Token) bool { return t.Type == token.CommentType }

// refusals are the features of YAML that are not used here, with what to write instead.
var refusals = map[token.Type]struct{ message, fix string }{
	token.AnchorType:     {"`&` makes an anchor, and anchors are not used here", "Write the value out; if the text is meant, quote it."},
	token.AliasType:      {"`*` makes an alias, and aliases are not used here", "Write the value out; if the text is meant, quote it."},
	token.MergeKeyType:   {"`<<` merges maps, and merge keys are not used here", "Write the keys out."},
	token.DirectiveType:  {"`%` begins a directive, and directives are not used here", "Delete the line; if the text is meant, quote it."},
	token.FoldedType:     {"`>` joins lines, so that positions in the text are lost", "Use `|`, or write it on one line in quotes."},
	token.MappingKeyType: {"`?` begins a complex key, and these are not used here", "Write `key: value`; if the text is meant, quote it."},
}

// tokens runs the lexer and reports the refusals. Here they have a position; the parser would apply or
// drop them. ok is false if the parser must not run.
func (s *source) tokens(text string) (tokens token.Tokens, ok bool) {
	tokens, err := tokenize(text)
	if err != nil {
		s.syntax(err, 0)
		return nil, false
	}
	if len(tokens) > maxTokens {
		s.problem(s.pos(0, 0), "Move data into tables.",
			"the file has %d words and marks, more than the %d that are read", len(tokens), maxTokens)
		return nil, false
	}
	ok = true
	depth, entries, applied := 0, 0, 0 // open brackets; dashes and question marks in a row; tags, anchors and aliases
	for i, t := range tokens {
		pos := s.pos(t.Position.Line, t.Position.Column)
		if r, refused := refusals[t.Type]; refused {
			s.problem(pos, r.fix, "%s", r.message)
		}
		if t.Type != token.SequenceEntryType && t.Type != token.MappingKeyType {
			entries = 0
		}
		switch t.Type {
		case token.TagType:
			applied++
			tag := unmarked(t.Value)
			s.problem(pos, fmt.Sprintf("Quote it if the text is meant: %q; in an expression write `not`.", strings.TrimSpace(tag)),
				"%s is a tag, and tags are not used here", tag)
		case token.AnchorType, token.AliasType:
			applied++
		case token.DirectiveType:
			ok = false
		case token.MappingKeyType, token.SequenceEntryType:
			entries++
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.DocumentHeaderType:
			if ok && slices.ContainsFunc(tokens[:i], func(t *token.Token) bool { return !isComment(t) }) {
				s.problem(pos, "Make it two files.", "`---` begins a second document")
				ok = false
			}
		}
		if depth > maxDepth || entries > maxDepth || applied > maxDepth || t.Position.Column > 4*maxDepth && startsLine(tokens, i) {
			s.problem(pos, "", "this is nested more than %d levels deep", maxDepth)
			return nil, false
		}
	}
	return tokens, ok
}

// startsLine reports whether the token at i is the first of its line, so that its column is its depth.
func startsLine(tokens token.Tokens, i int) bool {
	if i == 0 || tokens[i].Type == token.StringType && tokens[i-1].Type == token.LiteralType {
		return i == 0
	}
	switch tokens[i-1].Type {
	case token.SequenceEntryType, token.MappingKeyType:
		return true
	}
	return tokens[i-1].Position.Line < tokens[i].Position.Line && tokens[i].Type != token.CommentType
}

// body finds the one document of the file.
func (s *source) body(file *ast.File) ast.Node {
	var body ast.Node
	for _, d := range file.Docs {
		if d == nil || d.Body == nil {
			continue
		}
		if body != nil {
			t := d.Body.GetToken()
			s.problem(s.pos(t.Position.Line, 1), "Make it two files.", "a second document begins here")
			return nil
		}
		body = d.Body
	}
	if body == nil {
		s.problem(s.pos(1, 1), "", "the file holds nothing but comments")
	}
	return body
}

// syntax reports what the lexer or parser could not read in a text that begins after line shift.
func (s *source) syntax(err error, shift int) {
	pos, message := s.pos(0, 0), ""
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		message = err.Error()
	} else {
		message = syntax.GetMessage() // Error() would print the source, slowly
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			pos = s.pos(t.Position.Line+shift, t.Position.Column)
		}
	}
	message, fix := explain(message, s.line(pos.Line))
	s.problem(pos, fix, "%s", message)
}

// explain says a syntax error in plain words and with a fix, where message and line show what was meant.
// The parser's errors have no codes: their text is all there is to tell them apart.
func explain(message, line string) (string, string) {
	switch {
	case strings.Contains(line, "\u00a0"):
		return message, "There is a no-break space (U+00A0) in the line: replace it by a blank."
	case strings.Contains(message, "mapping value is not allowed") && strings.Contains(line, " ? "):
		return "`: ` ends a plain text here", "Write `if condition { x } else { y }` instead of `? :`, or quote the whole text."
	case strings.Contains(message, "mapping value is not allowed"):
		return "`: ` stands inside a plain text, or this line is indented wrongly", "Quote the whole text, or correct the indentation."
	case strings.Contains(message, "',' or '}' must be specified"), strings.Contains(message, "mapping end token"):
		return "a { is not closed, or a comma is missing", "Close the bracket; quote a text that holds brackets or commas."
	case strings.Contains(message, "',' or ']' must be specified"), strings.Contains(message, "sequence end token"):
		return "a [ is not closed, or a comma is missing", "Close the bracket; quote a text that holds brackets or commas."
	case strings.Contains(message, "reserved character"), strings.Contains(message, "block sequence entries are not allowed"):
		return message, "Quote the whole text."
	case strings.Contains(message, "could not find end character"):
		return message, "Close the quote; a quoted text ends on its line."
	case strings.Contains(message, "map key-value is pre-defined"), strings.Contains(message, "value is not allowed in this context"),
		strings.Contains(message, "non-map value is specified"), strings.Contains(message, "unexpected key name"):
		return "this does not belong to what stands before it: " + message, "Correct the indentation, or quote the whole text."
	}
	return message, ""
}

// sections looks for further syntax errors. The parser stops at the first one, so that each top-level
// key is parsed by itself.
func (s *source) sections(text string) {
	enough := len(s.problems) + 20
	lines := strings.Split(text, "\n")
	for start, i := 0, 1; i <= len(lines) && len(s.problems) < enough; i++ {
		if i < len(lines) && !topKey.MatchString(lines[i]) {
			continue
		}
		tokens, err := tokenize(strings.Join(lines[start:i], "\n"))
		if err == nil {
			_, err = parseTokens(tokens)
		}
		if err != nil {
			s.syntax(err, start)
		}
		start = i
	}
	seen := map[int]bool{} // lines with a problem: a slip that was seen twice is one
	s.problems = slices.DeleteFunc(s.problems, func(p diag.Problem) bool {
		again := seen[p.Line]
		seen[p.Line] = true
		return again
	})
}

// topKey matches a line with a key of the top-level map.
var topKey = regexp.MustCompile(`^[A-Za-z_][^ \t#'":]*:( |$)`)
