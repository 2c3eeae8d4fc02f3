// Package strictyaml reads the YAML that people write for sluice: a subset without surprises, with
// the place of everything in it. Whatever YAML would change, drop or reinterpret in silence is a
// problem that says what to write instead, and all problems are found at once.
//
// It knows neither bundles nor sluice.yaml: which keys may stand where is its callers' business.
package strictyaml

import (
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Kind is the kind of a node.
type Kind int

// The kinds.
const (
	Map Kind = iota + 1
	List
	Scalar
)

func (k Kind) String() string {
	switch k {
	case Map:
		return "a map"
	case List:
		return "a list"
	case Scalar:
		return "a single value"
	}
	return "nothing"
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
	switch t {
	case Number:
		return "a number"
	case Boolean:
		return "a boolean"
	case Text:
	}
	return "text"
}

// Node is a part of a document. It is immutable after Parse.
type Node struct {
	Kind Kind
	Pos  diag.Pos // of its first character: the quote, the bar, the bracket, the first key or dash
	Flow bool     // a map or list in braces or brackets

	// Of scalars. A number or boolean keeps its Value as written.
	Value string
	Style Style
	Type  Type
	Null  bool // no value; Parse has already said so

	Pairs []Pair  // of maps, in the order written; no key stands twice
	Items []*Node // of lists

	text    diag.Pos // of the first character of Value
	columns []int    // of quoted scalars whose escapes shift them: source column of each character
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

// TextPos is the place of the first character of a scalar's Value: behind the quote, or at the
// first line of a block.
func (n *Node) TextPos() diag.Pos { return n.text }

// Columns gives the source column of each character of a quoted Value, where escapes shift them;
// nil where the characters simply follow each other from TextPos.
func (n *Node) Columns() []int { return n.columns }

// IsText reports whether the scalar may stand for text without any doubt: quoted, a block, or a
// plain word that YAML does not take for a number, boolean or null.
func (n *Node) IsText() bool { return n != nil && n.Kind == Scalar && !n.Null && n.Type == Text }

func runes(s string) int { return utf8.RuneCountInString(s) }
