// Package bundle owns the mapping as written: a folder with bundle.yaml and tables/*.csv, loaded
// with the position of everything in it, and every structural problem found at once. It knows the
// format (docs/bundle-format.md), not the data standard, the vendor's files or expr; what names
// mean and whether expressions fit is decided where the bundle is compiled.
package bundle

import (
	"io/fs"
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Bundle is one bundle as written. It is immutable after Load.
type Bundle struct {
	Name    string
	Version string // x.y.z
	FS      fs.FS  // its folder; nothing outside can be reached
	Path    string // how positions and messages name the folder
	Origin  string // absolute folder, or "embedded"
	Digest  string // sha256:… over the names and contents of bundle.yaml and the tables and layouts it uses

	About         string
	Family        string
	FamilyVersion string
	DataStandard  Text // a semver range
	Params        []*Param
	Let           []*Let
	Inputs        []*Input
	Tables        []*Table // what `tables:` says; every tables/x.csv is a table even if it is not here
	Descriptors   Descriptors
	Resources     []*Resource // in the order written; the same name may occur more than once
}

// Text is a word with its place.
type Text struct {
	Value string
	Pos   diag.Pos
}

// Expr is an expression as written.
type Expr struct {
	Source string
	Pos    diag.Pos // of its first character
	Block  bool     // a `|` block: Pos is that of the text's first line, each further line is indented alike

	columns []int // of a quoted text whose escapes shift them: source column of each character
}

// At is the place of a line (from 1) and column (from 1, in characters) of the expression.
func (e *Expr) At(line, col int) diag.Pos {
	p := e.Pos
	line, col = max(line, 1), max(col, 1)
	switch {
	case e.columns != nil: // all on one line of the file, whatever its escapes make of it
		p.Col = e.columns[min(e.index(line, col), len(e.columns)-1)]
	case line == 1:
		p.Col += col - 1
	case e.Block:
		p.Line += line - 1
		p.Col += col - 1
	default:
		p.Line += line - 1
		p.Col = col
	}
	return p
}

// index counts the characters before a line and column of the source.
func (e *Expr) index(line, col int) int {
	before := 0
	rest := e.Source
	for ; line > 1; line-- {
		l, tail, _ := strings.Cut(rest, "\n")
		before += utf8.RuneCountInString(l) + 1
		rest = tail
	}
	return before + col - 1
}

// Type is the type of a value (docs/bundle-format.md §2).
type Type string

// The types; the zero value stands for text.
const (
	TypeText     Type = "text"
	TypeInteger  Type = "integer"
	TypeDecimal  Type = "decimal"
	TypeBoolean  Type = "boolean"
	TypeDate     Type = "date"
	TypeDateTime Type = "datetime"
	TypeTime     Type = "time"
)

// Param is a parameter; exactly one of Required and Default stands.
type Param struct {
	Name     Text
	Type     Type
	Required bool
	Default  *Text // as written
	OneOf    []Text
	About    string
}

// Let adds a name.
type Let struct {
	Name Text
	Expr *Expr
}

// Input is one kind of vendor file.
type Input struct {
	Name       Text
	About      string
	Format     Text // a name that the registry of package table knows
	Delimiter  string
	Encoding   Text // empty: utf-8
	NoQuotes   bool // a quote is a character like others
	Optional   bool
	HeaderRows []int // lines that make the header, from 1; [1] unless said
	JoinTitles bool  // header_rows was a list: titles of the lines, filled to the right, joined with __
	Nulls      []string
	Columns    []*Column
	Unpack     []*Unpack
	Layouts    []*Layout
	Ignore     []*Ignore
	Student    []Text
	District   *Text
	Key        []Text
	Duplicates *Duplicates
	When       *Expr
	Expect     []*Expect
	Let        []*Let
	Scores     []*ScoreUse
	Lists      []*List
}

// TableOptions say how a file of the input is written.
func (in *Input) TableOptions() table.Options {
	return table.Options{Format: in.Format.Value, Delimiter: in.Delimiter, Encoding: in.Encoding.Value, NoQuotes: in.NoQuotes,
		HeaderRows: in.HeaderRows, JoinTitles: in.JoinTitles}
}

// Column binds a name to a header.
type Column struct {
	Name     Text
	About    string
	Headers  []Text // alternatives, first present binds; may hold {field} in a list
	Type     Type
	Formats  []Text // of dates and times
	Required bool
	Optional bool
	Layouts  []Text
	Nulls    []string
	Pad      int
	Yes, No  []string
	Personal bool // its values are not shown where screen and report say what is wrong
	Pos      diag.Pos
}

// PersonalHeaders are the headers of an input's personal columns, as patterns of MatchHeader: of those that say so or
// are called so, and of the student's.
func (in *Input) PersonalHeaders() []string {
	var all []string
	for _, c := range in.AllColumns() {
		if c.Personal {
			for _, h := range c.Headers {
				all = append(all, HeaderPattern(h.Value))
			}
		}
	}
	return all
}

// MayBePersonal reports whether what a score table reads from a header may be a student's: the column of that
// header is personal, or none is declared and the header suggests it or is one that the bundle ignores.
func (in *Input) MayBePersonal(header string) bool {
	fits := func(h Text) bool { return MatchHeader(HeaderPattern(h.Value), header) }
	for _, c := range in.AllColumns() {
		if slices.ContainsFunc(c.Headers, fits) {
			return c.Personal
		}
	}
	return personalHeader.MatchString(header) || slices.ContainsFunc(in.Ignore, func(g *Ignore) bool {
		return slices.ContainsFunc(g.Globs, func(t Text) bool { return MatchHeader(strings.TrimSpace(t.Value), header) })
	})
}

// personalHeader finds headers of names, identifiers, birth dates and the like: their columns are personal unless they
// say `personal: false`.
var personalHeader = regexp.MustCompile(`(?i)(first|middle|last|given|family|full|maiden|nick|preferred|legal|sur|` + people + `)[ _.-]?name|` +
	people + `[ _.-]?(state[ _.-]?)?(id|identifier|number|no)($|[^a-z])|birth|dob|e-?mail|phone([^m]|$)|address|(^|[^a-z])(ssn|ssid|sasid|lasid)($|[^a-z])`)

// people are those whom a header may speak of.
const people = `(student|pupil|learner|child|examinee|candidate|parent|guardian|teacher|counsell?or|proctor|examiner)`

// Field is a field of a list in a header of it, as {n} in "Goal{n}Name".
var Field = regexp.MustCompile(`\{([^{}]*)\}`)

// HeaderPattern is a header of a list as a pattern of MatchHeader that fits all elements.
func HeaderPattern(header string) string { return Field.ReplaceAllString(header, "*") }

// Unpack cuts a packed cell into pieces.
type Unpack struct {
	Header Text
	Width  int
	Pieces int
}

// Layout is one layout of the file.
type Layout struct {
	Name   Text // free text
	About  string
	Has    []Text
	Fields *Text // fixed: file of names, starts, widths
	When   *Expr // fixed
	Pos    diag.Pos
}

// Ignore names headers that are left out, with the reason.
type Ignore struct {
	Reason Text
	Globs  []Text
}

// MatchHeader reports whether a header fits a pattern, in which * is any run of characters and nothing
// else is special: headers are full of brackets, slashes and question marks.
func MatchHeader(pattern, header string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == header
	}
	rest, ok := strings.CutPrefix(header, parts[0])
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		rest, ok = after, ok && found
	}
	return ok && strings.HasSuffix(rest, parts[last])
}

// Duplicates says which row of a key stays.
type Duplicates struct {
	Keep string // first, last
	By   *Text
	Pos  diag.Pos
}

// Expect is a condition that kept rows meet.
type Expect struct {
	That  *Expr
	Level diag.Level // LevelError unless said
	Why   string
	Pos   diag.Pos
}

// ScoreUse binds a score table.
type ScoreUse struct {
	Table Text // name of the table
	On    *Text
	Pos   diag.Pos
}

// List is columns that repeat.
type List struct {
	Name       Text
	About      string
	Over       Over
	On         []Text
	Optional   bool // a file may have none of its elements
	Columns    []*Column
	Key        []Text
	Duplicates *Duplicates
	Let        []*Let
	Scores     []*ScoreUse
	Lists      []*List
}

// Over says the elements of a list: a range, words, or a table.
type Over struct {
	Pos   diag.Pos
	Field Text // range and words: the one field
	Range bool
	From  int
	To    int
	Width int // digits of a range with leading zeros (01..30 is 2), else 0
	Words []Text
	Table *Text // name of the table; its columns are the fields
}

// Table is what `tables:` says of a table.
type Table struct {
	Name    Text
	About   string
	File    *Text // tables/<name>.csv unless said
	Key     []Text
	Types   []TableType
	Valid   *Valid
	Overlay bool
	Pos     diag.Pos
}

// TableType is the type of a table's column.
type TableType struct {
	Column Text
	Type   Type
}

// Valid names the columns of a row's validity, inclusive.
type Valid struct {
	From, To Text
	Pos      diag.Pos
}

// Descriptors says how a vendor's word becomes a URI.
type Descriptors struct {
	Pos       diag.Pos
	Namespace *Expr
	Vendor    []*DescriptorType // whose values are the vendor's, verbatim
	Shared    []*DescriptorType // that are mapped: by a table, or as written under a host
}

// DescriptorType is a descriptor type that the bundle uses.
type DescriptorType struct {
	Type  Text
	Table *Text // name of the table; for a type of the vendor's, with value, description and maybe code
	Host  *Text // uri://ed-fi.org
}

// FitsName reports whether a property is called as one of the type is: schoolYearGradeLevelDescriptor may hold a
// GradeLevelDescriptor. The data standard alone knows whether it does.
func (d *DescriptorType) FitsName(property string) bool {
	return strings.HasSuffix(strings.ToLower(property), strings.ToLower(d.Type.Value))
}

// Resource is one source of records of a resource.
type Resource struct {
	Name   Text // endpoint, as in the API: studentAssessments
	About  string
	From   Source
	When   *Expr
	Let    []*Let
	Record *Object
	Pos    diag.Pos
}

// Source is what `from` says.
type Source struct {
	Pos   diag.Pos
	Table string   // name of a table, or
	Input string   // name of an input, and
	Lists []string // the lists below it, outer first
}

// Node is a part of a record: *Scalar, *Object, *Array, *Cond or *Each.
type Node interface{ Position() diag.Pos }

// Scalar is a leaf: an expression, or a number or boolean as written.
type Scalar struct {
	Expr    *Expr
	Literal string // JSON number or boolean; empty if Expr stands
	Pos     diag.Pos
}

// Object is a map; its order is the bundle's.
type Object struct {
	Properties []*Property
	Pos        diag.Pos
}

// Property is one property of an object.
type Property struct {
	Name Text
	Node Node
}

// Array is a YAML list of nodes; lists among them are flattened.
type Array struct {
	Items []Node
	Pos   diag.Pos
}

// Cond is {when, record}.
type Cond struct {
	When   *Expr
	Record Node
	Pos    diag.Pos
}

// Each is {each, on, let, when, record}.
type Each struct {
	Over   Text // name of a list in scope, or scores, levels, objectives
	Table  bool // Over is the name of a table
	On     []Text
	Let    []*Let
	When   *Expr
	Record Node // nil: the elements themselves
	Pos    diag.Pos
}

// Position of a node.
func (n *Scalar) Position() diag.Pos { return n.Pos }

// Position of a node.
func (n *Object) Position() diag.Pos { return n.Pos }

// Position of a node.
func (n *Array) Position() diag.Pos { return n.Pos }

// Position of a node.
func (n *Cond) Position() diag.Pos { return n.Pos }

// Position of a node.
func (n *Each) Position() diag.Pos { return n.Pos }

// Overlayable reports whether a tenant may overlay a table: it maps a descriptor, or says so.
func (b *Bundle) Overlayable(table string) bool {
	return slices.ContainsFunc(b.Tables, func(t *Table) bool { return t.Name.Value == table && t.Overlay }) ||
		slices.ContainsFunc(b.Descriptors.Shared, func(d *DescriptorType) bool { return d.Table != nil && d.Table.Value == table })
}

// InputNames are the names of its inputs.
func (b *Bundle) InputNames() (all []string) {
	for _, in := range b.Inputs {
		all = append(all, in.Name.Value)
	}
	return all
}

// Input finds an input by its name; nil if there is none.
func (b *Bundle) Input(name string) *Input {
	for _, in := range b.Inputs {
		if in.Name.Value == name {
			return in
		}
	}
	return nil
}

// Path is the lists that names lead through, outer first, as far as they are there.
func (in *Input) Path(names []string) []*List {
	var path []*List
	lists := in.Lists
	for _, name := range names {
		i := slices.IndexFunc(lists, func(l *List) bool { return l.Name.Value == name })
		if i < 0 {
			break
		}
		path, lists = append(path, lists[i]), lists[i].Lists
	}
	return path
}

// AllColumns is the columns of an input and of its lists.
func (in *Input) AllColumns() []*Column {
	all := slices.Clone(in.Columns)
	var walk func(lists []*List)
	walk = func(lists []*List) {
		for _, l := range lists {
			all = append(all, l.Columns...)
			walk(l.Lists)
		}
	}
	walk(in.Lists)
	return all
}

// Values is the words of texts.
func Values(list []Text) []string {
	var all []string
	for _, t := range list {
		all = append(all, t.Value)
	}
	return all
}

// HasKeys reports whether rows, or elements of a list, are compared by a key.
func (in *Input) HasKeys() bool {
	if len(in.Key) > 0 {
		return true
	}
	var any func(lists []*List) bool
	any = func(lists []*List) bool {
		return slices.ContainsFunc(lists, func(l *List) bool { return len(l.Key) > 0 || any(l.Lists) })
	}
	return any(in.Lists)
}

// LayoutNames is the layouts of an input, or one empty name.
func (in *Input) LayoutNames() []string {
	if len(in.Layouts) == 0 {
		return []string{""}
	}
	var names []string
	for _, l := range in.Layouts {
		names = append(names, l.Name.Value)
	}
	return names
}

// In reports whether files of a layout have the column.
func (c *Column) In(layout string) bool {
	return len(c.Layouts) == 0 || slices.ContainsFunc(c.Layouts, func(t Text) bool { return t.Value == layout })
}

// Properties is the properties of the objects in a node, at any depth, each before those inside it.
func Properties(n Node) iter.Seq[*Property] {
	return func(yield func(*Property) bool) { eachProperty(n, yield) }
}

// eachProperty is false once yield is.
func eachProperty(n Node, yield func(*Property) bool) bool {
	switch n := n.(type) {
	case *Object:
		for _, p := range n.Properties {
			if !yield(p) || !eachProperty(p.Node, yield) {
				return false
			}
		}
	case *Array:
		for _, i := range n.Items {
			if !eachProperty(i, yield) {
				return false
			}
		}
	case *Cond:
		return eachProperty(n.Record, yield)
	case *Each:
		return eachProperty(n.Record, yield)
	}
	return true
}

// ExprAt is the expression that stands in a node, or in a property of the object that it is; nil if
// there is none.
func ExprAt(n Node, property ...string) *Expr {
	for _, name := range property {
		o, ok := n.(*Object)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(o.Properties, func(p *Property) bool { return p.Name.Value == name })
		if i < 0 {
			return nil
		}
		n = o.Properties[i].Node
	}
	if s, ok := n.(*Scalar); ok {
		return s.Expr
	}
	return nil
}
