package expression

import (
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// This file answers what the shape of an expression says without evaluating it.

// Name is the name that an expression is, if it is nothing else.
func (t *Tree) Name() (string, bool) {
	id, ok := t.root.(*ast.IdentifierNode)
	if !ok {
		return "", false
	}
	return id.Value, true
}

// Names is the names that stand in an expression, in their order; of a parameter, params and params.x.
func (t *Tree) Names() []string {
	var names []string
	t.visit(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.MemberNode:
			id, ok := n.Node.(*ast.IdentifierNode)
			property, fixed := n.Property.(*ast.StringNode)
			if ok && fixed && id.Value == "params" {
				names = append(names, "params."+property.Value)
			}
		case *ast.IdentifierNode:
			names = append(names, n.Value)
		}
	})
	return names
}

// Texts calls a function for each text in quotes.
func (t *Tree) Texts(yield func(text string, at diag.Pos)) {
	t.visit(func(n ast.Node) {
		if s, ok := n.(*ast.StringNode); ok {
			yield(s.Value, t.text.at(n.Location().From))
		}
	})
}

// GivesFixedText reports whether an expression can give a text that stands in it.
func (t *Tree) GivesFixedText() bool { return givesFixedText(t.root) }

func givesFixedText(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.StringNode:
		return true
	case *ast.ConditionalNode:
		return givesFixedText(n.Exp1) || givesFixedText(n.Exp2)
	case *ast.BinaryNode:
		return n.Operator == "??" && (givesFixedText(n.Left) || givesFixedText(n.Right))
	}
	return false
}

// Shape is what an expression is at its top.
type Shape uint8

// The shapes that the checks of a bundle tell apart.
const (
	OtherShape Shape = iota
	CallOfKey        // key(…)
	Choice           // if, or an operator
	Sum              // a + b
)

// Shape is what the expression is at its top.
func (t *Tree) Shape() Shape {
	switch n := t.root.(type) {
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && callee.Value == "key" {
			return CallOfKey
		}
	case *ast.ConditionalNode:
		return Choice
	case *ast.BinaryNode:
		if n.Operator == "+" {
			return Sum
		}
		return Choice
	}
	return OtherShape
}

// LookupKey is the name by which lookup("table", name).column alone finds its row.
func (t *Tree) LookupKey() (string, bool) {
	member, ok := t.root.(*ast.MemberNode)
	if !ok {
		return "", false
	}
	call, ok := member.Node.(*ast.CallNode)
	if !ok || len(call.Arguments) != 2 {
		return "", false
	}
	id, ok := call.Arguments[1].(*ast.IdentifierNode)
	if !ok {
		return "", false
	}
	return id.Value, true
}

// Comparison is what a condition wants a name to equal: one of some texts, or of parameters.
type Comparison struct {
	Name   string
	Texts  []string
	Params []string
}

// Comparisons is what names may equal where the expression, a condition, is true; only of those that it compares so.
func (t *Tree) Comparisons() []Comparison { return comparisons(t.root) }

func comparisons(n ast.Node) []Comparison {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return nil
	}
	values := []ast.Node{b.Right}
	switch b.Operator {
	case "and", "or":
		return append(comparisons(b.Left), comparisons(b.Right)...)
	case "in":
		if list, ok := b.Right.(*ast.ArrayNode); ok {
			values = list.Nodes
		}
	case "==":
	default:
		return nil
	}
	name, ok := b.Left.(*ast.IdentifierNode)
	if !ok {
		return nil
	}
	out := Comparison{Name: name.Value}
	for _, v := range values {
		switch v := v.(type) {
		case *ast.StringNode:
			out.Texts = append(out.Texts, v.Value)
		case *ast.IntegerNode:
			out.Texts = append(out.Texts, strconv.Itoa(v.Value))
		case *ast.MemberNode:
			id, ok := v.Node.(*ast.IdentifierNode)
			if p, fixed := v.Property.(*ast.StringNode); ok && fixed && id.Value == "params" {
				out.Params = append(out.Params, p.Value)
			}
		}
	}
	return []Comparison{out}
}

// Lookups calls a function for each lookup with its table and the names that are looked up; what is not a name is empty.
func (t *Tree) Lookups(yield func(table string, names []string)) {
	t.visit(func(n ast.Node) {
		call, ok := n.(*ast.CallNode)
		if !ok || len(call.Arguments) < 2 {
			return
		}
		callee, ok := call.Callee.(*ast.IdentifierNode)
		table, fixed := call.Arguments[0].(*ast.StringNode)
		if !ok || !fixed || callee.Value != "lookup" && callee.Value != "lookup_or_null" {
			return
		}
		var names []string
		for _, a := range call.Arguments[1:] {
			id, _ := a.(*ast.IdentifierNode)
			if id == nil {
				id = &ast.IdentifierNode{}
			}
			names = append(names, id.Value)
		}
		yield(table.Value, names)
	})
}

// NotNull is the names that are not null where the expression, a condition, is true.
func (t *Tree) NotNull() []string { return notNullIf(t.root, true) }

// notNullIf is the names that are not null where a condition is true (or false).
func notNullIf(n ast.Node, is bool) []string {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return notNullIf(n.Node, !is)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			if is {
				return append(notNullIf(n.Left, true), notNullIf(n.Right, true)...)
			}
		case "or", "||":
			if !is {
				return append(notNullIf(n.Left, false), notNullIf(n.Right, false)...)
			}
		case "!=", "==":
			if (n.Operator == "!=") == is {
				if name, ok := comparedWithNull(n); ok {
					return []string{name}
				}
			}
		}
	}
	return nil
}

func comparedWithNull(n *ast.BinaryNode) (string, bool) {
	left, right := n.Left, n.Right
	if isNull(left) {
		left, right = right, left
	}
	name, ok := left.(*ast.IdentifierNode)
	if !ok || !isNull(right) {
		return "", false
	}
	return name.Value, true
}

func isNull(n ast.Node) bool {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return id.Value == "null"
	}
	_, ok := n.(*ast.NilNode)
	return ok
}

func (t *Tree) visit(f func(ast.Node)) {
	root := t.root
	ast.Walk(&root, visitor(f))
}

// visitor calls a function for each node.
type visitor func(ast.Node)

// Visit calls it.
func (v visitor) Visit(n *ast.Node) { v(*n) }

// Outcome is what an expression may give as it stands: a name or, with a table, a column of a row that was looked up.
type Outcome struct{ Table, Name string }

// Outcomes is what an expression may give as it stands; what it computes is left out.
func (t *Tree) Outcomes() []Outcome { return outcomes(t.root) }

func outcomes(n ast.Node) []Outcome {
	switch n := n.(type) {
	case *ast.ChainNode:
		return outcomes(n.Node)
	case *ast.IdentifierNode:
		return []Outcome{{Name: n.Value}}
	case *ast.ConditionalNode:
		return append(outcomes(n.Exp1), outcomes(n.Exp2)...)
	case *ast.BinaryNode:
		if n.Operator == "??" {
			return append(outcomes(n.Left), outcomes(n.Right)...)
		}
	case *ast.MemberNode:
		call, ok := n.Node.(*ast.CallNode)
		property, named := n.Property.(*ast.StringNode)
		if !ok || !named || len(call.Arguments) == 0 {
			return nil
		}
		if table, fixed := call.Arguments[0].(*ast.StringNode); fixed {
			return []Outcome{{table.Value, property.Value}}
		}
	}
	return nil
}
