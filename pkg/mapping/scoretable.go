package mapping

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/lookup"
)

// scoreUse is a score table as an input or a list uses it.
type scoreUse struct {
	def   *bundle.ScoreUse
	table *lookup.Table
	on    string
	onCol int // column of the table, or -1
	rows  []*scoreRow
}

// scoreRow is one row of a score table: which column is which score.
type scoreRow struct {
	row       int
	headers   []bundle.Text // patterns, the first that is present binds
	name      string        // or a column, field or let
	level     bool
	method    string
	datatype  string
	objective string
	minimum   string // a decimal, or empty
	maximum   string
	optional  bool
	pos       diag.Pos
}

// scoreColumns are the columns that a score table may have; all others stand in `on`.
var scoreColumns = []string{"header", "name", "kind", "method", "datatype", "objective", "minimum", "maximum", "optional"}

// datatypes are what a score may be (docs/bundle-format.md §5).
var datatypes = []string{"Integer", "Decimal", "Percentage", "Percentile", "Range", "Level"}

// kind is what the values of a score are, as far as that says which are equal.
func (r *scoreRow) kind() expression.Kind {
	switch r.datatype {
	case "Integer":
		return expression.KindInteger
	case "Decimal", "Percentage", "Percentile":
		return expression.KindDecimal
	}
	return expression.KindText
}

func (c *compiler) scoreUses(uses []*bundle.ScoreUse) []*scoreUse {
	var out []*scoreUse
	for _, u := range uses {
		t := c.table(u.Table, diag.BundleScores)
		if t == nil {
			continue
		}
		s := &scoreUse{def: u, table: t, onCol: -1}
		if u.On != nil {
			s.on = u.On.Value
			i, ok := t.Column(s.on)
			if !ok {
				c.add(u.On.Pos, diag.BundleScores, "Its columns are "+strings.Join(t.Header, ", ")+".", "the table %q has no column %q%s", t.Name, s.on, diag.DidYouMean(s.on, t.Header))
				continue
			}
			s.onCol = i
		}
		s.rows = c.scoreRows(s)
		out = append(out, s)
	}
	return out
}

// scoreRows reads a score table; what does not fit is a problem at its line.
func (c *compiler) scoreRows(s *scoreUse) []*scoreRow {
	t := s.table
	for _, h := range t.Header {
		if !slices.Contains(scoreColumns, h) && h != s.on {
			c.add(diag.Pos{File: t.Shown, Line: 1}, diag.BundleScores, "Remove it, or name it in `on`.", "a score table has no column %q%s", h, diag.DidYouMean(h, scoreColumns))
		}
	}
	for _, need := range []string{"kind", "method"} {
		if _, ok := t.Column(need); !ok {
			c.add(diag.Pos{File: t.Shown, Line: 1}, diag.BundleScores, "", "a score table needs the column %q", need)
			return nil
		}
	}
	var rows []*scoreRow
	for i := range t.Rows {
		if r := c.scoreRow(t, i); r != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// alternatives is the headers of a score row, of which the first that is present binds.
func alternatives(cell string, pos diag.Pos) (headers []bundle.Text) {
	if cell == "" {
		return nil
	}
	for h := range strings.SplitSeq(cell, "|") {
		headers = append(headers, bundle.Text{Value: expression.TrimSpace(h), Pos: pos})
	}
	return headers
}

func (c *compiler) scoreRow(t *lookup.Table, i int) *scoreRow {
	pos := t.Rows[i].Pos
	r := &scoreRow{row: i, headers: alternatives(t.Cell(i, "header"), pos), name: t.Cell(i, "name"), method: t.Cell(i, "method"),
		datatype: t.Cell(i, "datatype"), objective: t.Cell(i, "objective"), pos: pos}
	bad := func(fix, format string, args ...any) *scoreRow {
		c.add(pos, diag.BundleScores, fix, format, args...)
		return nil
	}
	switch {
	case len(r.headers) == 0 && r.name == "":
		return bad("Fill in one of them.", "the row has neither `header` nor `name`")
	case len(r.headers) > 0 && r.name != "":
		return bad("Leave one of them empty.", "the row has both `header` and `name`")
	case r.method == "":
		return bad("", "the row has no `method`")
	}
	switch kind := t.Cell(i, "kind"); kind {
	case "score":
		if !slices.Contains(datatypes, r.datatype) {
			return bad("Use one of "+strings.Join(datatypes, ", ")+".", "a score has no datatype %q%s", r.datatype, diag.DidYouMean(r.datatype, datatypes))
		}
	case "level":
		r.level = true
		if r.datatype != "" {
			return bad("Leave it empty.", "a level has no datatype")
		}
	default:
		return bad("Write score or level.", "`kind` cannot be %q%s", kind, diag.DidYouMean(kind, []string{"score", "level"}))
	}
	for _, bound := range []struct {
		column string
		into   *string
	}{{"minimum", &r.minimum}, {"maximum", &r.maximum}} {
		s := t.Cell(i, bound.column)
		if s == "" {
			continue
		}
		switch {
		case r.level || r.datatype == "Level" || r.datatype == "Range":
			return bad("Leave it empty.", "a %s has no `%s`", strings.ToLower(cmp.Or(r.datatype, "Level")), bound.column)
		case !expression.IsDecimal(s):
			return bad("Write a number, or leave it empty.", "`%s` is %q, which is not a number", bound.column, s)
		}
		*bound.into = expression.PlainDecimal(s)
	}
	if r.minimum != "" && r.maximum != "" && expression.CompareDecimals(r.minimum, r.maximum) > 0 {
		return bad("", "`minimum` is greater than `maximum`")
	}
	switch s := t.Cell(i, "optional"); s {
	case "", "false":
	case "true":
		r.optional = true
	default:
		return bad("Write true, or leave it empty.", "`optional` cannot be %q", s)
	}
	return r
}

// picked is the rows of the tables whose `on` equals what stands outside; doubled methods are a problem.
func (c *compiler) picked(uses []*scoreUse, outer func(on *bundle.Text) (expression.Value, bool)) []*scoreRow {
	var out []*scoreRow
	seen, objectives := map[[2]string]*scoreRow{}, map[string]string{}
	for _, u := range uses {
		var want expression.Value
		if u.onCol >= 0 {
			var ok bool
			if want, ok = outer(u.def.On); !ok {
				continue
			}
		}
		for _, r := range u.rows {
			if u.onCol >= 0 && (want.IsNull() || u.table.Rows[r.row].Cells[u.onCol] != want.Text()) {
				continue
			}
			key := [2]string{alike(r.objective), alike(r.method)}
			if objectives[key[0]] == "" {
				objectives[key[0]] = r.objective
			}
			first, same := seen[key], objectives[key[0]]
			switch {
			case c.inferring():
			case same != r.objective:
				c.add(r.pos, diag.BundleScores, "Write both the same way, or rename one of them.",
					"the objectives %q and %q differ in nothing but case or the form of their characters: targets take them for one", same, r.objective)
				continue
			case first != nil && first.method != r.method:
				c.add(r.pos, diag.BundleScores, "Give one of them another method.",
					"the methods %q and %q (%s) differ in nothing but case or the form of their characters: targets take them for one", r.method, first.method, first.pos)
				continue
			case first != nil:
				c.add(r.pos, diag.BundleScores, "Give one of them another method.", "the method %q is already at %s for the same %s", r.method, first.pos, objectiveWord(r.objective))
				continue
			}
			seen[key] = r
			out = append(out, r)
		}
	}
	return out
}

// alike is the same for texts that targets may take for one.
func alike(s string) string { return strings.ToLower(norm.NFC.String(s)) }

func objectiveWord(objective string) string {
	if objective == "" {
		return "total"
	}
	return "objective"
}
