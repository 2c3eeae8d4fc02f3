package bundle

import (
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

func (l *loader) root(n *strictyaml.Node) {
	b := l.bundle
	l.keys(n, "the bundle", map[string]func(*strictyaml.Node){
		"format": func(n *strictyaml.Node) {
			if !n.Null && (n.Value != "1" || n.Type != strictyaml.Number) {
				l.bad(n.Pos, diag.BundleUnsupported, "Write `format: 1`, or use a newer sluice.", "format %s is not known here", n.Value)
			}
		},
		"bundle": func(n *strictyaml.Node) {
			b.Name = l.text(n, "bundle").Value
			if n.IsText() && !bundleForm.MatchString(b.Name) {
				l.bad(n.Pos, diag.BundleName, "Use a–z, 0–9 and -.", "%q cannot be the name of a bundle", b.Name)
			}
		},
		"version": func(n *strictyaml.Node) {
			b.Version = n.Value
			if !n.Null && !versionForm.MatchString(b.Version) {
				l.bad(n.Pos, diag.BundleValue, "Write it as 1.0.0.", "version %q is not x.y.z", b.Version)
			}
		},
		"assessment": func(n *strictyaml.Node) {
			l.keys(n, "assessment", map[string]func(*strictyaml.Node){
				"family":  func(n *strictyaml.Node) { b.Family = l.text(n, "assessment.family").Value },
				"version": func(n *strictyaml.Node) { b.FamilyVersion = l.text(n, "assessment.version").Value },
			}, "family", "version")
		},
		"data_standard": func(n *strictyaml.Node) {
			b.DataStandard = l.text(n, "data_standard")
			if _, err := semver.NewConstraint(b.DataStandard.Value); n.IsText() && err != nil {
				l.bad(n.Pos, diag.BundleValue, `Write it as ">=4.0 <6".`, "data_standard: %q is not a range of versions", n.Value)
			}
		},
		"about":       func(n *strictyaml.Node) { b.About = l.text(n, "about").Value },
		"params":      func(n *strictyaml.Node) { l.each(n, "params", l.param) },
		"let":         func(n *strictyaml.Node) { b.Let = l.lets(n) },
		"inputs":      func(n *strictyaml.Node) { l.each(n, "inputs", l.input) },
		"tables":      func(n *strictyaml.Node) { l.each(n, "tables", l.tableOptions) },
		"descriptors": func(n *strictyaml.Node) { l.descriptors(n) },
		"resources":   func(n *strictyaml.Node) { l.resources(n) },
	}, "format", "bundle", "version", "assessment", "data_standard", "inputs", "descriptors", "resources")
}

func (l *loader) param(name Text, n *strictyaml.Node) {
	p := &Param{Name: name, Type: TypeText}
	what := "parameter " + name.Value
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"type": func(n *strictyaml.Node) {
			p.Type = l.typ(n, what+": type", TypeText, TypeInteger, TypeDecimal, TypeBoolean, TypeDate)
		},
		"required": func(n *strictyaml.Node) {
			p.Required = l.boolean(n, what+": required")
			if n.Value == "false" {
				l.bad(n.Pos, diag.BundleValue, "Remove it and give a default.", "%s: required may only be true", what)
			}
		},
		"default": func(n *strictyaml.Node) {
			l.is(n, strictyaml.Scalar, "", what+": default")
			p.Default = &Text{n.Value, n.Pos}
		},
		"one_of": func(n *strictyaml.Node) { p.OneOf = l.list(n, what+": one_of", l.text) },
		"about":  func(n *strictyaml.Node) { p.About = l.text(n, what+": about").Value },
	})
	if _, required := n.Get("required"); n.Kind == strictyaml.Map && required == (p.Default != nil) {
		l.bad(name.Pos, diag.BundleValue, "Write `required: true`, or a `default`, and not both.", "%s: give exactly one of required and default", what)
	}
	l.bundle.Params = append(l.bundle.Params, p)
}

func (l *loader) lets(n *strictyaml.Node) []*Let {
	var all []*Let
	l.each(n, "let", func(name Text, n *strictyaml.Node) {
		all = append(all, &Let{Name: name, Expr: l.expr(n, "let "+name.Value)})
	})
	return all
}

func (l *loader) tableOptions(name Text, n *strictyaml.Node) {
	t := &Table{Name: name, Pos: name.Pos}
	what := "table " + name.Value
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"about": func(n *strictyaml.Node) { t.About = l.text(n, what+": about").Value },
		"file":  func(n *strictyaml.Node) { f := l.file(n, what+": file"); t.File = &f },
		"key":   func(n *strictyaml.Node) { t.Key = l.oneOrMore(n, what+": key", l.reference) },
		"types": func(n *strictyaml.Node) {
			l.each(n, what+": types", func(column Text, n *strictyaml.Node) {
				t.Types = append(t.Types, TableType{column, l.typ(n, what+": types: "+column.Value, TypeInteger, TypeDecimal, TypeBoolean, TypeDate)})
			})
		},
		"valid": func(n *strictyaml.Node) {
			v := &Valid{Pos: n.Pos}
			l.keys(n, what+": valid", map[string]func(*strictyaml.Node){
				"from": func(n *strictyaml.Node) { v.From = l.reference(n, what+": valid: from") },
				"to":   func(n *strictyaml.Node) { v.To = l.reference(n, what+": valid: to") },
			}, "from", "to")
			t.Valid = v
		},
		"overlay": func(n *strictyaml.Node) { t.Overlay = l.boolean(n, what+": overlay") },
		"from": func(n *strictyaml.Node) {
			l.bad(n.Pos, diag.BundleUnsupported, "Make the table a CSV file, or use lists.", "%s: derived tables are not in this version", what)
		},
		"steps": func(*strictyaml.Node) {}, // belongs to `from`, which is refused
	})
	l.bundle.Tables = append(l.bundle.Tables, t)
}

// file is a path inside the bundle's folder.
func (l *loader) file(n *strictyaml.Node, what string) Text {
	t := l.text(n, what)
	clean := path.Clean(t.Value)
	if n.IsText() && (clean != t.Value || path.IsAbs(clean) || strings.HasPrefix(clean, "..") || strings.Contains(clean, `\`)) {
		l.bad(n.Pos, diag.BundleValue, "Write it relative to the bundle's folder, with /, as in tables/x.csv.", "%s: %q leaves the bundle's folder", what, t.Value)
	}
	return t
}

func (l *loader) descriptors(n *strictyaml.Node) {
	d := &l.bundle.Descriptors
	d.Pos = n.Pos
	declared := map[string]bool{}
	typ := func(n *strictyaml.Node) Text {
		t := l.text(n, "descriptors")
		if n.IsText() && !descriptorForm.MatchString(t.Value) {
			l.bad(n.Pos, diag.BundleDescriptor, "Write the type's whole name, as in GradeLevelDescriptor.", "%q is not a descriptor type", t.Value)
		}
		if declared[t.Value] {
			l.bad(n.Pos, diag.BundleDescriptor, "Keep one: a type is the vendor's or shared.", "%s is declared twice", t.Value)
		}
		declared[t.Value] = true
		return t
	}
	l.keys(n, "descriptors", map[string]func(*strictyaml.Node){
		"namespace": func(n *strictyaml.Node) { d.Namespace = l.expr(n, "descriptors: namespace") },
		"vendor": func(n *strictyaml.Node) {
			l.is(n, strictyaml.List, "Write it as [AssessmentReportingMethodDescriptor, …].", "descriptors: vendor")
			for _, item := range n.Items {
				if item.Kind != strictyaml.Map {
					d.Vendor = append(d.Vendor, &DescriptorType{Type: typ(item)})
				}
				for _, p := range item.Pairs {
					table := l.table(p.Value, "descriptors: vendor: "+p.Key.Value)
					d.Vendor = append(d.Vendor, &DescriptorType{Type: typ(p.Key), Table: &table})
				}
			}
		},
		"shared": func(n *strictyaml.Node) {
			l.is(n, strictyaml.Map, "Write it as {GradeLevelDescriptor: tables.grade_levels}.", "descriptors: shared")
			for _, p := range n.Pairs {
				s := &DescriptorType{Type: typ(p.Key)}
				if value := l.text(p.Value, "descriptors: shared: "+p.Key.Value); strings.HasPrefix(value.Value, "uri:") {
					if !IsNamespace(value.Value) {
						l.bad(value.Pos, diag.BundleDescriptor, "Write uri://host, as in uri://ed-fi.org; the type's name is added.",
							"descriptors: shared: %q is not a namespace", value.Value)
					}
					s.Host = &value
				} else if name, ok := strings.CutPrefix(value.Value, "tables."); ok && nameForm.MatchString(name) {
					s.Table = &Text{name, value.Pos}
				} else if p.Value.IsText() {
					l.bad(value.Pos, diag.BundleDescriptor, "Write tables.NAME for tables/NAME.csv, or uri://host.", "descriptors: shared: %s: %q is neither a table nor a host", p.Key.Value, value.Value)
				}
				d.Shared = append(d.Shared, s)
			}
		},
	}, "namespace")
}
