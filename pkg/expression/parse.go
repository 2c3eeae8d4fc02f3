package expression

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Bounds of an expression.
const (
	maxNodes  = 500
	maxSource = 16 << 10
	maxText   = 64 << 10 // bytes of a text that an expression makes
)

// Text is an expression as written.
type Text struct {
	Source string
	At     func(line, col int) diag.Pos // the place of a line and a column of it, both from 1
}

// Tree is an expression that was parsed.
type Tree struct {
	text Text
	root ast.Node
}

// parserConfig switches every builtin of expr off; the functions of the format are ours.
var parserConfig = func() *conf.Config {
	cfg := conf.New(map[string]any{})
	cfg.MaxNodes = maxNodes
	for _, f := range builtin.Builtins {
		cfg.Disabled[f.Name] = true
	}
	return cfg
}()

// Parse parses an expression; what expr would not take is a problem at its place.
func Parse(e Text) (*Tree, *diag.Problem) {
	fail := func(pos diag.Pos, fix, format string, args ...any) (*Tree, *diag.Problem) {
		p := diag.At(pos, diag.BundleExpression, fix, format, args...)
		return nil, &p
	}
	if len(e.Source) > maxSource {
		return fail(e.At(1, 1), "Put the cases into a table and use lookup.", "the expression is longer than %d bytes", maxSource)
	}
	tree, err := parser.ParseWithConfig(e.Source, parserConfig)
	if err == nil {
		if at, found := pipe(e.Source); found {
			return fail(e.at(at), "Write f(x) for x | f().", "the operator `|` is not part of the language of bundles")
		}
		return &Tree{e, tree.Node}, nil
	}
	pos, message := e.At(1, 1), err.Error()
	var at *file.Error
	if errors.As(err, &at) {
		pos, message = e.At(at.Line, at.Column+1), at.Message
	}
	fix := ""
	switch {
	case strings.Contains(message, "maximum allowed nodes"):
		message, fix = fmt.Sprintf("the expression has more than %d parts", maxNodes), "Put the cases into a table and use lookup."
	case strings.Contains(message, "cannot be mixed"):
		message, fix = "`??` is mixed with another operator", "Put one of them into parentheses: `(a ?? b) + c`."
	case strings.Contains(message, "token EOF"):
		message, fix = "the expression ends too early", "Close what is open."
	case strings.HasPrefix(message, "a map key must"):
		message, fix = "cannot read { here", "Write the expression itself: nothing is filled into {{ … }} or ${…}."
	case strings.HasPrefix(message, "unexpected token "):
		message, fix = "cannot read "+tokenWord(message)+" here", hint(e.Source, tokenWord(message))
	case strings.HasPrefix(message, "bad number syntax"):
		fix = fixedText(e.Source)
	case strings.Contains(message, "integer literal"):
		message = "the number is too large"
	}
	if strings.TrimSpace(e.Source) == "" {
		message, fix = "the expression is empty", "Write a name, or \"a text\" in quotes."
	}
	return fail(pos, fix, "%s", message)
}

// pipe finds expr's `|`, which leaves no trace in the tree.
func pipe(source string) (at int, found bool) {
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return 0, false
	}
	for _, t := range tokens {
		if t.Is(lexer.Operator, "|") {
			return t.From, true
		}
	}
	return 0, false
}

// at is the place of a character of an expression.
func (e Text) at(at int) diag.Pos {
	line, col := 1, 1
	for i, r := range []rune(e.Source) {
		if i == at {
			break
		}
		if r == '\n' {
			line, col = line+1, 1
		} else {
			col++
		}
	}
	return e.At(line, col)
}

// habits are words and signs of other languages, with what stands for them here.
var habits = map[string]string{
	`"="`: "Write `==`.", `"if"`: "Write `if c { a } else { b }`: the condition comes first.", `"then"`: "Write `if c { a } else { b }`.",
	`"is"`: "Write `x == null` or `x != null`.", `"AND"`: "Write `and`.", `"OR"`: "Write `or`.", `"NOT"`: "Write `not`.",
	`"&"`: "Write `a + b` to join texts, `and` to join conditions.",
}

// hint says what may have been meant where a token cannot be read.
func hint(source, token string) string {
	if strings.Contains(source, "<>") {
		return "Write `!=`."
	}
	if fix := habits[token]; fix != "" && token != `"&"` {
		return fix
	}
	return cmp.Or(fixedText(source), habits[token])
}

// wordsForm is what a fixed text looks like whose quotes were forgotten.
var wordsForm = regexp.MustCompile(`^[\pL\pN][^"'(){}\[\]=<>|?]*$`)

// fixedText says how a fixed text is written; empty if the source is not one.
func fixedText(source string) string {
	if !wordsForm.MatchString(source) {
		return ""
	}
	return "If the text itself is meant, write it in both kinds of quotes: '\"" + source + "\"'."
}

var tokenForm = regexp.MustCompile(`^unexpected token \w+\((.*)\)$`)

// tokenWord takes the token out of expr's `unexpected token Operator("..")`.
func tokenWord(message string) string {
	if m := tokenForm.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return "this"
}
