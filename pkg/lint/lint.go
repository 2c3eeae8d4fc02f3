// Package lint owns the rules that bundles keep (docs/bundle-format.md §10) and the compiler does not enforce. It reads
// the bundle as it is written; what shows only when a bundle is compiled it asks mapping for.
package lint

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/mapping"
)

// linter looks at one bundle, which compiles.
type linter struct {
	bundle    *bundle.Bundle
	trees     map[*bundle.Expr]*expression.Tree
	standards []string // versions of the data standards that it was compiled for
	found     diag.List
}

// Bundle lists what a bundle does and had better not do, in the order of its files. An identifier that
// would lose or double results, and a type that the usual claim set cannot create, are errors; all else is a warning.
func Bundle(p *mapping.Program, standards []string) diag.List {
	l := &linter{bundle: p.Bundle, trees: p.Trees(), standards: standards, found: p.Lint()}
	l.vendorTypes()
	for e := range l.trees {
		l.literals(e)
	}
	l.expectations()
	for _, r := range l.bundle.Resources {
		l.resource(r)
	}
	l.found.Sort()
	return l.found
}

// fail notes an error, where warn notes what is allowed and unwise.
func (l *linter) fail(pos diag.Pos, fix, format string, args ...any) {
	l.warn(pos, fix, format, args...)
	l.found[len(l.found)-1].Level = diag.LevelError
}

// warn notes what is allowed and unwise.
func (l *linter) warn(pos diag.Pos, fix, format string, args ...any) {
	l.found = append(l.found, diag.At(pos, diag.BundleLint, fix, format, args...))
}

// vendorTypes are the types that the usual claim set lets a vendor create, each with the first data standard in which
// it does; empty: in all.
var vendorTypes = map[string]string{"AssessmentReportingMethodDescriptor": "", "PerformanceLevelDescriptor": "", "AssessmentPeriodDescriptor": "",
	"AccommodationDescriptor": "", "ReasonNotTestedDescriptor": "5.2"}

// vendorTypes finds types that the usual claim set cannot create.
func (l *linter) vendorTypes() {
	for _, v := range l.bundle.Descriptors.Vendor {
		typ, pos := v.Type.Value, v.Type.Pos
		since, ok := vendorTypes[typ]
		if !ok {
			l.fail(pos, "List it under `shared`; a tenant may overlay its table.", "a vendor's credential cannot create a %s", typ)
			continue
		}
		for _, version := range l.standards {
			if since != "" && expression.CompareDecimals(version, since) < 0 {
				l.fail(pos, "List it under `shared`.", "before data standard %s a vendor's credential cannot create a %s", since, typ)
				break
			}
		}
	}
}

var (
	descriptorLike = regexp.MustCompile(`^uri://|Descriptor#|^[A-Za-z]+Descriptor$`)
	dateLike       = regexp.MustCompile(`^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}$`)
)

// literals finds texts in quotes that belong into tables and parameters.
func (l *linter) literals(e *bundle.Expr) {
	l.trees[e].Texts(func(text string, at diag.Pos) {
		switch {
		case descriptorLike.MatchString(text):
			l.warn(at, "Put it into a parameter, or a table under `descriptors.shared`.", "an expression holds the namespace or descriptor %q", text)
		case dateLike.MatchString(text):
			l.warn(at, `Write dates as "2026-03-01".`, "%q looks like a date, but dates are ISO text", text)
		}
	})
}

// resource looks at the descriptors and the identifier of a record.
func (l *linter) resource(r *bundle.Resource) {
	lets := l.letsAround(r)
	l.codes(r.Record)
	var identifier, assessment *bundle.Expr
	for _, p := range r.Record.Properties {
		switch p.Name.Value {
		case "studentAssessmentIdentifier":
			identifier = bundle.ExprAt(p.Node)
		case "assessmentReference":
			assessment = bundle.ExprAt(p.Node, "assessmentIdentifier")
		case "studentAssessmentReference":
			identifier, assessment = bundle.ExprAt(p.Node, "studentAssessmentIdentifier"), bundle.ExprAt(p.Node, "assessmentIdentifier")
		}
	}
	if identifier != nil && l.trees[identifier] != nil {
		l.identifier(r, identifier, assessment, lets)
	}
}

// letsAround is the `let`s that a record sees.
func (l *linter) letsAround(r *bundle.Resource) map[string]*bundle.Expr {
	lets := map[string]*bundle.Expr{}
	put := func(list []*bundle.Let) {
		for _, l := range list {
			lets[l.Name.Value] = l.Expr
		}
	}
	put(l.bundle.Let)
	put(r.Let)
	if in := l.bundle.Input(r.From.Input); in != nil {
		put(in.Let)
		for _, l := range in.Path(r.From.Lists) {
			put(l.Let)
		}
	}
	return lets
}

// codes finds descriptors that are written in the bundle instead of a table.
func (l *linter) codes(n bundle.Node) {
	for p := range bundle.Properties(n) {
		if e := bundle.ExprAt(p.Node); l.isFixedCode(p.Name.Value, l.trees[e]) {
			l.warn(e.Pos, "List the type under `descriptors.shared` with a table, and map the word there; or take it from a column of a table.",
				"%s is a fixed code", p.Name.Value)
		}
	}
}

// isFixedCode reports whether a property gets a code that is written in the bundle. A word that a table maps is none.
func (l *linter) isFixedCode(property string, tree *expression.Tree) bool {
	if tree == nil || !strings.HasSuffix(property, "Descriptor") || !tree.GivesFixedText() {
		return false
	}
	return !slices.ContainsFunc(l.bundle.Descriptors.Shared, func(d *bundle.DescriptorType) bool {
		return d.Table != nil && d.FitsName(property)
	})
}

// identifier checks the identifier of an event: the vendor's record id, or a key(…), for all
// rows alike; it holds what tells sittings apart and nothing that stands in the natural key already.
func (l *linter) identifier(r *bundle.Resource, identifier, assessment *bundle.Expr, lets map[string]*bundle.Expr) {
	tree := l.follow(identifier, lets)
	shape := tree.Shape()
	switch shape {
	case expression.Sum:
		l.fail(identifier.Pos, "Write key(…): it refuses blanks and never makes two events one.", "studentAssessmentIdentifier is neither the vendor's record id nor a key(…) alone")
	case expression.Choice:
		l.fail(identifier.Pos, "Use one or the other for all rows; otherwise an event that is sent again with its id becomes a second one.", "studentAssessmentIdentifier is neither the vendor's record id nor a key(…) alone")
	}
	holds := l.namesThrough(tree, lets)
	in := l.bundle.Input(r.From.Input)
	if in == nil {
		return
	}
	if fixed(holds) && !holds["params"] {
		l.fail(identifier.Pos, "Take the vendor's record id, or key(…) of what tells sittings apart.", "studentAssessmentIdentifier is the same for all rows")
		return
	}
	students := append(bundle.Values(in.Student), "student")
	for _, name := range slices.Sorted(maps.Keys(holds)) {
		switch {
		case slices.Contains(students, name):
			l.fail(identifier.Pos, "Leave it out: the student is already in the natural key.", "studentAssessmentIdentifier holds %q", name)
		case strings.HasPrefix(name, "params."):
			l.fail(identifier.Pos, "Leave it out: it is the same for all rows.", "studentAssessmentIdentifier holds %s", name)
		}
	}
	alone := l.lookedUpAlone(assessment, lets)
	direct := tree.Names()
	assessments := []string{alone}
	if l.trees[assessment] != nil {
		if word, ok := l.trees[assessment].Name(); ok {
			assessments = append(assessments, word)
		}
	}
	for _, name := range assessments {
		if name != "" && slices.Contains(direct, name) {
			l.fail(identifier.Pos, "Leave it out: the assessment is already in the natural key.", "studentAssessmentIdentifier holds %q", name)
		}
	}
	if shape != expression.CallOfKey {
		return
	}
	var sitting []string
	for _, k := range sittingKey(in, r) {
		if holds[k] {
			return
		}
		if !slices.Contains(students, k) && k != "layout" && !slices.Contains(assessments, k) {
			sitting = append(sitting, k)
		}
	}
	if len(sitting) > 0 {
		l.warn(identifier.Pos, "Add what tells sittings apart to key(…).", "studentAssessmentIdentifier holds nothing that tells sittings apart: %s", strings.Join(sitting, ", "))
	}
}

// sittingKey is the names by which the input, or the list a record is made from, tells rows apart.
func sittingKey(in *bundle.Input, r *bundle.Resource) []string {
	key := in.Key
	for _, l := range in.Path(r.From.Lists) {
		if len(l.Key) > 0 {
			key = l.Key
		}
	}
	return bundle.Values(key)
}

// follow is the expression that a name stands for, as long as it is one `let` after the other.
func (l *linter) follow(e *bundle.Expr, lets map[string]*bundle.Expr) *expression.Tree {
	for range len(lets) + 1 {
		name, ok := l.trees[e].Name()
		if !ok || lets[name] == nil || l.trees[lets[name]] == nil {
			break
		}
		e = lets[name]
	}
	return l.trees[e]
}

// namesThrough is the names that a value is made from, those behind `let`s too.
func (l *linter) namesThrough(tree *expression.Tree, lets map[string]*bundle.Expr) map[string]bool {
	names := map[string]bool{}
	var walk func(t *expression.Tree)
	walk = func(t *expression.Tree) {
		for _, n := range t.Names() {
			if names[n] {
				continue
			}
			names[n] = true
			if e := lets[n]; e != nil && l.trees[e] != nil {
				walk(l.trees[e])
			}
		}
	}
	walk(tree)
	return names
}

// fixed reports whether a value made from these names is the same for every row.
func fixed(names map[string]bool) bool {
	for name := range names {
		switch {
		case name == "params", strings.HasPrefix(name, "params."), name == "ds", name == "null", expression.IsFunction(name):
		default:
			return false
		}
	}
	return true
}

// expectations finds what is expected of nothing in the row, and so is met or missed by all.
func (l *linter) expectations() {
	for _, in := range l.bundle.Inputs {
		for _, e := range in.Expect {
			if tree := l.trees[e.That]; tree != nil && fixed(l.namesThrough(tree, nil)) {
				l.warn(e.That.Pos, "Compare a column, or remove it.", "the expectation has the same result for every row")
			}
		}
	}
}

// lookedUpAlone is the name that the assessment alone is looked up from.
func (l *linter) lookedUpAlone(assessment *bundle.Expr, lets map[string]*bundle.Expr) string {
	if assessment == nil || l.trees[assessment] == nil {
		return ""
	}
	name, _ := l.follow(assessment, lets).LookupKey()
	return name
}
