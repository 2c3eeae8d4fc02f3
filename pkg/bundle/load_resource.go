package bundle

import (
	"fmt"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// resources are named as in the API; one name may have several sources.
func (l *loader) resources(n *strictyaml.Node) {
	l.is(n, strictyaml.Map, "Write it as {studentAssessments: {from, record}}.", "resources")
	for _, p := range n.Pairs {
		name := Text{p.Key.Value, p.Key.Pos}
		if !propertyForm.MatchString(name.Value) {
			l.bad(name.Pos, diag.BundleName, "Write it as in the API: studentAssessments.", "%q is not a resource", name.Value)
		}
		sources := []*strictyaml.Node{p.Value}
		if p.Value.Kind == strictyaml.List {
			sources = p.Value.Items
			if len(sources) == 0 {
				l.bad(p.Value.Pos, diag.BundleValue, "Write {from, record}, or remove it.", "resource %s has no source", name.Value)
			}
		}
		for _, s := range sources {
			l.resource(name, s)
		}
	}
}

func (l *loader) resource(name Text, n *strictyaml.Node) {
	r := &Resource{Name: name, Pos: n.Pos}
	what := "resource " + name.Value
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"about": func(n *strictyaml.Node) { r.About = l.text(n, what+": about").Value },
		"from":  func(n *strictyaml.Node) { r.From = l.source(n, what+": from") },
		"when":  func(n *strictyaml.Node) { r.When = l.expr(n, what+": when") },
		"let":   func(n *strictyaml.Node) { r.Let = l.lets(n) },
		"record": func(n *strictyaml.Node) {
			if object, ok := l.node(n, what).(*Object); ok {
				r.Record = object
				return
			}
			if n.Null {
				return
			}
			l.bad(n.Pos, diag.BundleRecord, "Write the properties of the record; `when` stands beside `record`.", "%s: record must be a map of properties", what)
		},
	}, "from", "record")
	if r.Record != nil && (r.From.Table != "" || r.From.Input != "") {
		l.bundle.Resources = append(l.bundle.Resources, r)
	}
}

// source is an input, a list below it (results.exams), or a table.
func (l *loader) source(n *strictyaml.Node, what string) Source {
	s := Source{Pos: n.Pos}
	t := l.text(n, what)
	if !n.IsText() {
		return s
	}
	parts := strings.Split(t.Value, ".")
	for _, p := range parts {
		if !nameForm.MatchString(p) {
			l.bad(n.Pos, diag.BundleName, "Write an input, a list as in results.exams, or tables.NAME.", "%s: %q is not a source", what, t.Value)
			return s
		}
	}
	if parts[0] != "tables" {
		s.Input, s.Lists = parts[0], parts[1:]
		return s
	}
	if len(parts) != 2 {
		l.bad(n.Pos, diag.BundleTable, "Write tables.NAME.", "%s: %q names no table", what, t.Value)
		return s
	}
	s.Table = parts[1]
	return s
}

// node is a part of a record.
func (l *loader) node(n *strictyaml.Node, what string) Node {
	switch {
	case n.Null:
		return &Scalar{Expr: &Expr{Pos: n.Pos}, Pos: n.Pos}
	case n.Kind == strictyaml.Scalar && n.Type != strictyaml.Text:
		if !jsonNumber.MatchString(n.Value) && n.Value != "true" && n.Value != "false" {
			l.bad(n.Pos, diag.BundleValue, fmt.Sprintf("Write it as JSON has it, or as a text: '\"%s\"'.", n.Value), "%s: %s is %s that JSON cannot hold as written", what, n.Value, n.Type)
		}
		return &Scalar{Literal: n.Value, Pos: n.Pos}
	case n.Kind == strictyaml.Scalar:
		return &Scalar{Expr: l.expr(n, what), Pos: n.Pos}
	case n.Kind == strictyaml.List:
		a := &Array{Pos: n.Pos}
		for _, item := range n.Items {
			a.Items = append(a.Items, l.node(item, what))
		}
		return a
	}
	if _, ok := n.Get("each"); ok {
		return l.eachNode(n, what)
	}
	_, when := n.Get("when")
	_, record := n.Get("record")
	if when || record {
		return l.cond(n, what)
	}
	o := &Object{Pos: n.Pos}
	if len(n.Pairs) == 0 {
		l.bad(n.Pos, diag.BundleRecord, "Remove it, or write its properties.", "%s: an object without properties", what)
	}
	for _, p := range n.Pairs {
		name := Text{p.Key.Value, p.Key.Pos}
		if !propertyForm.MatchString(name.Value) {
			l.bad(name.Pos, diag.BundleRecord, "Write it as in the API: administrationDate.", "%s: %q is not a property", what, name.Value)
		}
		o.Properties = append(o.Properties, &Property{name, l.node(p.Value, what+": "+name.Value)})
	}
	return o
}

func (l *loader) cond(n *strictyaml.Node, what string) Node {
	c := &Cond{Pos: n.Pos}
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"when":   func(n *strictyaml.Node) { c.When = l.expr(n, what+": when") },
		"record": func(n *strictyaml.Node) { c.Record = l.node(n, what) },
	}, "when", "record")
	if c.When == nil || c.Record == nil {
		return &Object{Pos: n.Pos} // said already
	}
	return c
}

func (l *loader) eachNode(n *strictyaml.Node, what string) Node {
	e := &Each{Pos: n.Pos}
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"each": func(n *strictyaml.Node) {
			if e.Table = strings.HasPrefix(n.Value, "tables."); e.Table {
				e.Over = l.table(n, what+": each")
			} else {
				e.Over = l.reference(n, what+": each")
			}
		},
		"on":     func(n *strictyaml.Node) { e.On = l.oneOrMore(n, what+": on", l.reference) },
		"let":    func(n *strictyaml.Node) { e.Let = l.lets(n) },
		"when":   func(n *strictyaml.Node) { e.When = l.expr(n, what+": when") },
		"record": func(n *strictyaml.Node) { e.Record = l.node(n, what) },
	})
	if len(e.On) > 0 && !e.Table {
		l.bad(e.On[0].Pos, diag.BundleKey, "Use `when`; `on` joins the rows of a table.", "%s: on goes only with tables", what)
	}
	return e
}
