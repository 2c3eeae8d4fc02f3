package strictyaml

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// converter makes Nodes of the parser's nodes, and refuses what cannot be seen in single tokens.
type converter struct {
	*source
	seen map[*token.Token]bool // scalars that are part of the tree
}

// node converts a value; nil becomes a null.
func (c *converter) node(n ast.Node) *Node {
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.mapping(n.GetToken(), n.IsFlowStyle, n.Values)
	case *ast.MappingValueNode:
		return c.mapping(n.GetToken(), false, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		list := &Node{Kind: List, Pos: c.place(n.GetToken(), opening(n.IsFlowStyle, "[")), Flow: n.IsFlowStyle}
		for _, v := range n.Values {
			item := c.node(v)
			if item.Null {
				c.null(item, "an item of this list", v)
			} else if !list.Flow && item.Pos.Col <= list.Pos.Col {
				c.problem(item.Pos, "Indent it further than the `-`.", "this does not belong to the `-` before it")
			}
			list.Items = append(list.Items, item)
		}
		return list
	case *ast.LiteralNode:
		return c.block(n)
	case *ast.TagNode: // refused already; a tag takes the lines below it as its value
		pos := c.place(n.GetToken(), "")
		if value := c.node(n.Value); value.Pos.Line == pos.Line {
			return value
		}
		return &Node{Kind: Scalar, Pos: pos, Null: true}
	case *ast.AnchorNode:
		c.see(n.Name)
		return c.node(n.Value)
	case *ast.AliasNode:
		c.see(n.Value)
		return &Node{Kind: Scalar, Pos: c.place(n.GetToken(), ""), Null: true}
	case *ast.MappingKeyNode:
		return c.node(n.Value)
	case nil:
		return &Node{Kind: Scalar, Null: true}
	}
	return c.scalar(n)
}

// see marks a scalar below a node that was refused.
func (c *converter) see(n ast.Node) {
	if n != nil {
		c.seen[n.GetToken()] = true
	}
}

func (c *converter) place(t *token.Token, want string) diag.Pos {
	if t == nil || t.Position == nil {
		return c.pos(0, 0)
	}
	col := t.Position.Column
	if want != "" {
		col = c.locate(t.Position.Line, col, want)
	}
	return c.pos(t.Position.Line, col)
}

// mapping converts a map that begins with token t.
func (c *converter) mapping(t *token.Token, flow bool, values []*ast.MappingValueNode) *Node {
	m := &Node{Kind: Map, Pos: c.place(t, opening(flow, "{")), Flow: flow}
	first := map[string]diag.Pos{}
	for _, v := range values {
		if _, merge := v.Key.(*ast.MergeKeyNode); merge { // refused already
			c.node(v.Value)
			continue
		}
		key := c.key(v.Key)
		if !flow && len(m.Pairs) == 0 {
			m.Pos = key.Pos
		}
		bare := flow && v.GetToken().Type != token.MappingValueType
		if _, complex := v.Key.(*ast.MappingKeyNode); !bare && !complex {
			c.colon(key)
		}
		value := c.node(v.Value)
		if value.Null {
			if value.Pos.Line == 0 || isImplicit(v.Value) {
				value.Pos = key.Pos
			}
			if bare {
				c.problem(key.Pos, "Quote the whole value before it if the comma belongs to it, as in {a: \"f(b, c)\"}.",
					"%s has no value: in braces a comma ends the value before it", strconv.Quote(key.Value))
			} else {
				c.null(value, strconv.Quote(key.Value), v.Value)
			}
		}
		if at, twice := first[key.Value]; twice {
			c.problem(key.Pos, "Keep one of them.", "the key %s occurs a second time here (first in line %d)", strconv.Quote(key.Value), at.Line)
			continue
		}
		first[key.Value] = key.Pos
		m.Pairs = append(m.Pairs, Pair{Key: key, Value: value})
	}
	return m
}

func opening(flow bool, bracket string) string {
	if flow {
		return bracket
	}
	return ""
}

// colon checks what is between a key and its value. To YAML `{z:3}` is the text "z:3" without a value,
// to the parser it is a key; tools do not agree on a colon on another line either.
func (c *converter) colon(key *Node) {
	tail := c.at(key.Pos.Line, c.end)
	gap := len(tail) - len(strings.TrimLeft(tail, " \t"))
	next, ok := strings.CutPrefix(tail[gap:], ":")
	switch {
	case c.located != key.Pos.Line || !ok:
		c.problem(key.Pos, "Write `key: value`.", "`:` does not follow its key")
	case key.Style == Plain && next != "" && !strings.ContainsRune(" \t", rune(next[0])):
		c.problem(c.pos(c.located, c.end+gap), "Put a blank after it, or quote the text it belongs to.",
			"`:` between key and value needs a blank after it")
	}
}

// key converts a key, which must be text without any doubt.
func (c *converter) key(n ast.MapKeyNode) *Node {
	key := c.node(n)
	switch {
	case key.Kind != Scalar || key.Style == Literal:
		pos := c.place(n.GetToken(), "")
		c.problem(pos, "Write one word, or a text in quotes.", "this cannot be a key")
		return &Node{Kind: Scalar, Pos: pos, Value: strings.TrimSpace(n.String())}
	case key.Null:
		c.problem(key.Pos, "Write "+strconv.Quote(key.Value)+" if the text is meant.", "the key %s is null for YAML", key.Value)
	case key.Type != Text:
		c.problem(key.Pos, "Write "+strconv.Quote(key.Value)+".", "the key %s is %s for YAML", key.Value, key.Type)
	}
	return key
}

func isImplicit(n ast.Node) bool {
	return n == nil || n.GetToken() == nil || n.GetToken().Type == token.ImplicitNullType
}

// null refuses a value that is absent or null.
func (c *converter) null(n *Node, what string, from ast.Node) {
	switch from.(type) {
	case *ast.TagNode, *ast.AnchorNode, *ast.AliasNode: // said already
		return
	}
	if isImplicit(from) {
		c.problem(n.Pos, "Write a value, or delete it; an empty list is [], an empty map {}.", "%s has no value", what)
		return
	}
	c.problem(n.Pos, "Write "+strconv.Quote(n.Value)+" if the text is meant, or delete it.", "%s is null", what)
}

// block converts a `|` text. Its lines stay lines, so that positions are kept: line n of the text is
// the nth line below the bar, and its column 1 is the first one after the indentation.
func (c *converter) block(n *ast.LiteralNode) *Node {
	if n.Value != nil {
		c.see(n.Value)
	}
	pos := c.place(n.Start, n.Start.Value)
	node := &Node{Kind: Scalar, Style: Literal, Pos: pos, TextPos: c.pos(pos.Line+1, 1)}
	if n.Value == nil {
		return node
	}
	node.Value = n.Value.Value
	if n.Start.Type == token.FoldedType {
		return node // refused already
	}
	indent, blanks := "", 0
	for i, l := range strings.Split(strings.TrimRight(node.Value, "\n"), "\n") {
		written := c.line(pos.Line + 1 + i)
		if indent == "" && strings.TrimSpace(l) != "" && strings.HasSuffix(written, l) {
			indent = strings.TrimSuffix(written, l)
			node.TextPos.Col = runes(indent) + 1
		}
		if indent == "" {
			blanks = max(blanks, len(written))
		}
		changed := strings.TrimRight(written, " ") != strings.TrimRight(indent+l, " ")
		bare := indent == "" && l != ""
		tooDeep := indent != "" && blanks > len(indent) // a line of blanks above is indented further than the text
		if changed || bare || tooDeep {
			c.problem(c.pos(pos.Line+1+i, 1), "Indent the lines of the block alike.", "this line of the block can be read in two ways")
			break
		}
	}
	return node
}

// scalar converts a plain or quoted scalar.
func (c *converter) scalar(n ast.Node) *Node {
	t := n.GetToken()
	c.seen[t] = true
	switch t.Type {
	case token.ImplicitNullType:
		return &Node{Kind: Scalar, Null: true, Pos: c.place(t, "")}
	case token.SingleQuoteType:
		return c.quotedScalar(t, Single, "'")
	case token.DoubleQuoteType:
		return c.quotedScalar(t, Double, `"`)
	}
	return c.plain(t)
}

func (c *converter) quotedScalar(t *token.Token, style Style, quote string) *Node {
	pos := c.place(t, quote)
	node := &Node{Kind: Scalar, Style: style, Pos: pos, Value: t.Value, TextPos: c.pos(pos.Line, pos.Col+1)}
	written, ok := scanQuoted(c.at(pos.Line, pos.Col), pos.Col)
	if ok {
		c.found(pos.Line, pos.Col, c.at(pos.Line, pos.Col)[:written.length])
	}
	switch {
	case !ok:
		c.problem(pos, "Write it on one line, or use a `|` block.", "a quoted text goes on in the next line")
	case written.value != t.Value:
		c.problem(pos, "Write the character itself instead of an escape, or use a `|` block.", "this quoted text can be read in two ways")
	case !straight(written.columns):
		node.Columns = written.columns
	}
	return node
}

// indicator matches what a plain text cannot begin with in YAML; the parser accepts some of it.
var indicator = regexp.MustCompile("^([][{},#&*!|>@%`'\"]|[-?:]( |$))")

func (c *converter) plain(t *token.Token) *Node {
	written := strings.TrimSpace(t.Origin)
	firstLine, _, several := strings.Cut(written, "\n")
	firstLine = strings.TrimRight(firstLine, " \t")
	if !strings.HasPrefix(t.Value, firstLine) {
		firstLine = t.Value
	}
	pos := c.place(t, firstLine)
	node := &Node{Kind: Scalar, Pos: pos, Value: unmarked(t.Value), TextPos: pos}
	node.Type, node.Null = typeOf(node.Value)
	switch tail, ok := strings.CutPrefix(c.at(pos.Line, pos.Col), t.Value); {
	case several:
		c.problem(pos, "Write it on one line, or use a `|` block.", "a plain text goes on in the next line, so that positions in it are lost")
	case indicator.MatchString(t.Value):
		c.problem(pos, "Quote the whole text.", "a plain text cannot begin like this")
	case !ok: // the parser drops tabs
		c.problem(pos, "Quote the whole text; write a tab as \\t in double quotes.", "this plain text can be read in two ways")
	default:
		c.hash(node, tail)
	}
	return node
}

// hash refuses `#` where it may have been meant as text: YAML silently cuts `Code #1` to `Code`. tail
// is the rest of the line after the text.
func (c *converter) hash(n *Node, tail string) {
	gap := len(tail) - len(strings.TrimLeft(tail, " \t"))
	if gap == 0 || gap == len(tail) || tail[gap] != '#' {
		return
	}
	glued := len(tail) > gap+1 && !strings.ContainsRune(" \t#-=", rune(tail[gap+1]))
	if gap > 1 && !glued {
		return // plainly a comment
	}
	col := n.Pos.Col + runes(n.Value) + gap
	c.problem(c.pos(n.Pos.Line, col), "Quote the whole text if `#` belongs to it; put two blanks before a comment and one after its `#`.",
		"YAML cuts the text %s here, because ` #` begins a comment", strconv.Quote(n.Value))
}

// forgotten refuses scalars that the parser read and then dropped.
func (c *converter) forgotten(tokens token.Tokens) {
	for _, t := range tokens {
		switch t.Type {
		case token.StringType, token.SingleQuoteType, token.DoubleQuoteType,
			token.NullType, token.BoolType, token.IntegerType, token.FloatType:
			if !c.seen[t] {
				c.problem(c.place(t, ""), "Correct the indentation, or quote the whole text.", "%s belongs to nothing", strconv.Quote(unmarked(t.Value)))
			}
		}
	}
}
