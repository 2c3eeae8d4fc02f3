// Package strictyaml reads the YAML that people write for sluice: a subset without surprises, with
// the position of everything in it. Whatever YAML would silently change, drop or reinterpret is a
// problem that says what to write instead, and all problems are found at once.
//
// A document passes through five steps, each of which refuses what it alone can see: the bytes
// (source.read), the plain texts of its lines (source.plainTexts), the tokens of the lexer
// (source.tokens), the parser, and the conversion of its tree into Nodes (converter). Lexer and parser are goccy/go-yaml's, because their tokens and syntax errors
// have lines and columns; the errors of go.yaml.in/yaml have a line at best, and often none.
//
// The package knows neither bundles nor sluice.yaml: which keys are allowed is up to its callers.
package strictyaml

import (
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Kind says what a node is.
type Kind int

// The kinds.
const (
	Map Kind = iota + 1
	List
	Scalar
)

func (k Kind) String() string {
	return [...]string{"nothing", Map: "a map", List: "a list", Scalar: "a single value"}[k]
}

// Style is how a scalar is written.
type Style int

// The styles.
const (
	Plain Style = iota
	Single
	Double
	Literal // a `|` block
)

// Type is what YAML 1.2 makes of a scalar. Everything that is not plain is Text.
type Type int

// The types.
const (
	Text Type = iota
	Number
	Boolean
)

func (t Type) String() string {
	return [...]string{Text: "text", Number: "a number", Boolean: "a boolean"}[t]
}

// Node is a part of a document. It is immutable after Parse.
type Node struct {
	Kind Kind
	Pos  diag.Pos // of its first character, such as a quote, a bar, a bracket, the first key or dash
	Flow bool     // a map or list in braces or brackets

	// Of scalars. A number or boolean keeps its Value as written.
	Value string
	Style Style
	Type  Type
	Null  bool // it has no value, which Parse has reported

	TextPos diag.Pos // of the first character of Value: after the quote, or on the first line of a block
	Columns []int    // of a quoted Value in which escapes shift characters: the source column of each; else nil

	Pairs []Pair  // of maps, in the order written; no key occurs twice
	Items []*Node // of lists
}

// Pair is a key of a map with its value.
type Pair struct {
	Key   *Node
	Value *Node
}

// Get finds the value of a key.
func (n *Node) Get(key string) (*Node, bool) {
	if n == nil {
		return nil, false
	}
	for _, p := range n.Pairs {
		if p.Key.Value == key {
			return p.Value, true
		}
	}
	return nil, false
}

// IsText reports whether the scalar is text without any doubt: quoted, a block, or a plain word that
// YAML does not take for a number, boolean or null.
func (n *Node) IsText() bool { return n != nil && n.Kind == Scalar && !n.Null && n.Type == Text }

func runes(s string) int { return utf8.RuneCountInString(s) }
