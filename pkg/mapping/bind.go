package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// binding is the headers of one file while names are bound to them.
type binding struct {
	file    string
	hint    string // what the header says of a wrong delimiter, or empty
	headers []string
	index   map[string]int
	layout  string
	ideal   bool // no file: every header that is asked for is there, in the order of asking

	bound     []bool          // columns that something is bound to
	optional  []bool          // columns whose absence at a row's end says nothing
	known     map[string]bool // headers that were asked for
	elsewhere map[string]bool // headers of other layouts
	missing   []want          // headers of the contract that the file does not have
	lacking   []string        // headers that the file may lack, and does
	notes     diag.List
	doubles   []double
	contract  []ContractColumn
	named     map[string]string // headers of the input's own columns, by name
	gaps      []*gap            // lists of which elements are not in this file
	able      map[*List]bool    // lists of which an element can exist
}

// gap is the elements of a list that have no column in the file.
type gap struct {
	list     *List
	elements int
	expected [][]string // the columns that each of them has in files of this layout, if any
}

// absent notes that an element of a list has no column in the file.
func (b *binding) absent(l *List, expected []string) {
	i := slices.IndexFunc(b.gaps, func(g *gap) bool { return g.list == l })
	if i < 0 {
		i = len(b.gaps)
		b.gaps = append(b.gaps, &gap{list: l})
	}
	b.gaps[i].elements++
	if len(expected) > 0 {
		b.gaps[i].expected = append(b.gaps[i].expected, expected)
	}
}

func newBinding(file string, headers []string) *binding {
	b := &binding{file: file, headers: headers, index: make(map[string]int, len(headers)), known: map[string]bool{}, elsewhere: map[string]bool{}, named: map[string]string{}}
	for i, h := range headers {
		if h != "" {
			b.index[h] = i
		}
	}
	b.bound, b.optional = make([]bool, len(headers)), make([]bool, len(headers))
	return b
}

// ideal is the binding of a file that has every header of the contract.
func (c *compiler) ideal(in *Input, layout string) *binding {
	b := newBinding(in.Name, nil)
	b.ideal, b.layout = true, layout
	c.fork().bind(in, b)
	return b
}

// want is a header that something asks for.
type want struct {
	headers  []string // alternatives
	what     string
	fix      string // empty: what is said of any missing column
	pos      diag.Pos
	optional bool // may be missing
	inList   bool
	nulls    []string
}

// find binds the first of the alternatives that is present; -1 if none is. Of two that are present at once
// the rows tell whether that loses something.
func (b *binding) find(w want) int {
	found := -1
	for _, h := range w.headers {
		b.known[h] = true
		i, ok := b.index[h]
		if !ok {
			continue
		}
		if found < 0 {
			found = i
			continue
		}
		if d := (double{found, i, w.what, w.pos, w.nulls}); i != found && !slices.ContainsFunc(b.doubles, d.same) {
			b.doubles = append(b.doubles, d)
		}
	}
	if found < 0 && b.ideal {
		found = len(b.headers)
		b.headers = append(b.headers, w.headers[0])
		b.index[w.headers[0]] = found
		b.bound, b.optional = append(b.bound, false), append(b.optional, false)
	}
	if found < 0 {
		if w.optional {
			b.lacking = append(b.lacking, w.headers[0])
		} else {
			b.missing = append(b.missing, w)
		}
		return -1
	}
	if b.bound[found] {
		b.optional[found] = b.optional[found] && (w.optional || w.inList)
	} else {
		b.optional[found] = w.optional || w.inList
	}
	b.bound[found] = true
	return found
}

// note notes something once.
func (b *binding) note(p diag.Problem) {
	if !slices.Contains(b.notes, p) {
		b.notes = append(b.notes, p)
	}
}

// describe notes a header for the contract, once: what a further column or score says of it is added.
func (b *binding) describe(i int, col ContractColumn) {
	if !b.ideal || i < 0 {
		return
	}
	col.Header = b.headers[i]
	at := slices.IndexFunc(b.contract, func(o ContractColumn) bool { return o.Header == col.Header })
	if at < 0 {
		b.contract = append(b.contract, col)
		return
	}
	have := &b.contract[at]
	if have.Score == nil {
		have.Score = col.Score
	}
	if have.Type == "" || have.Type == bundle.TypeText {
		have.Type, have.Formats = col.Type, col.Formats
	}
	have.Required = have.Required || col.Required
}

// chooseLayout finds the first layout that fits.
func (in *Input) chooseLayout(b *binding) bool {
	if len(in.Def.Layouts) == 0 {
		return true
	}
	for _, l := range in.Def.Layouts {
		fits := true
		for _, h := range l.Has {
			_, ok := b.index[expression.TrimSpace(h.Value)]
			fits = fits && ok
		}
		if fits {
			b.layout = l.Name.Value
			return true
		}
	}
	return false
}

// ignored reports whether a header is left out with a reason.
func (in *Input) ignored(header string) bool {
	return slices.ContainsFunc(in.globs, func(g bundle.Text) bool { return bundle.MatchHeader(g.Value, header) })
}

// Bind binds an input to the headers of a file, before any row of it is read; hint is what the header
// says of a wrong delimiter. What does not match ends in a *diag.Error that compares the columns.
func (p *Program) Bind(in *Input, file string, headers []string, hint string) (*Plan, error) {
	b := newBinding(file, headers)
	b.hint = hint
	if !in.chooseLayout(b) {
		return nil, in.noLayout(b)
	}
	c := p.compiler.fork()
	pl := c.bind(in, b)
	b.wantElements(in)
	if len(b.missing) > 0 {
		return nil, in.drift(b).Error()
	}
	slices.SortStableFunc(b.gaps, func(a, o *gap) int { return strings.Compare(a.list.Path, o.list.Path) })
	for _, g := range b.gaps {
		b.notes = append(b.notes, diag.Problem{Code: diag.FileElements, Level: diag.LevelOf(diag.FileElements), File: file, Count: g.elements,
			Message: diag.Counted(g.elements, "element of the list "+g.list.Path+" has", "elements of the list "+g.list.Path+" have") + " no column in this file"})
	}
	pl.Notes, pl.doubles = b.notes, b.doubles
	if len(c.report.problems.List) > 0 {
		return nil, &diag.Error{Kind: diag.Usage, Code: diag.BundleList, Message: "the bundle does not fit the file " + file, Problems: c.report.problems.List}
	}
	return pl, nil
}

// newColumns notes headers that are neither bound, nor an alternative, nor ignored.
func (c *compiler) newColumns(in *Input, b *binding) {
	var others []*binding // of other layouts
	for _, layout := range in.Def.LayoutNames() {
		if layout != b.layout {
			others = append(others, c.ideal(in, layout))
		}
	}
	renames := table.Renames(b.lacking, b.free(in.ignored))
	for i, h := range b.headers {
		if h == "" || b.bound[i] || b.known[h] || in.ignored(h) {
			b.optional[i] = b.optional[i] || !b.bound[i] && h != "" && in.ignored(h)
			continue
		}
		message := fmt.Sprintf("the column %q is new: the bundle neither uses nor ignores it", h)
		if o := slices.IndexFunc(others, func(o *binding) bool { return o.known[h] }); o >= 0 {
			b.elsewhere[h] = true
			message = fmt.Sprintf("the column %q belongs to files of the layout %s; in one of the layout %s it is not read", h, others[o].layout, b.layout)
		} else if r := slices.IndexFunc(renames, func(r table.Rename) bool { return r.New == h }); r >= 0 {
			message = fmt.Sprintf("the column %q is new and is not read; %s %q, which the file may lack, and does", h, map[bool]string{true: "it was", false: "it may be"}[renames[r].Sure], renames[r].Old)
		}
		b.notes = append(b.notes, diag.Problem{Code: diag.FileNewColumn, File: b.file, Column: h, Message: message})
	}
}

// needed is how many cells a row must have: up to the last header that is neither ignored,
// optional, nor a list's.
func (b *binding) needed() int {
	for i := len(b.headers) - 1; i >= 0; i-- {
		if b.headers[i] != "" && !b.optional[i] {
			return i + 1
		}
	}
	return 0
}
