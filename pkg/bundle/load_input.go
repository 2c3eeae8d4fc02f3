package bundle

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
	"github.com/sluice-edfi/sluice/pkg/table"
)

func (l *loader) input(name Text, n *strictyaml.Node) {
	in := &Input{Name: name, HeaderRows: []int{1}}
	what := "input " + name.Value
	if name.Value == "tables" {
		l.bad(name.Pos, diag.BundleName, "Choose another name.", "no input may be called tables")
	}
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"about":  func(n *strictyaml.Node) { in.About = l.text(n, what+": about").Value },
		"format": func(n *strictyaml.Node) { in.Format = l.format(n, what) },
		"delimiter": func(n *strictyaml.Node) {
			in.Delimiter = l.text(n, what+": delimiter").Value
			if n.IsText() && !table.ValidDelimiter(in.Delimiter) {
				l.bad(n.Pos, diag.BundleValue, `Write one character, as in ";" or "\t".`, "%s: delimiter %q cannot separate cells", what, in.Delimiter)
			}
		},
		"encoding":    func(n *strictyaml.Node) { in.Encoding = l.text(n, what+": encoding") },
		"quotes":      func(n *strictyaml.Node) { in.NoQuotes = l.choice(n, what+": quotes", "none").Value == "none" },
		"optional":    func(n *strictyaml.Node) { in.Optional = l.boolean(n, what+": optional") },
		"header_rows": func(n *strictyaml.Node) { l.headerRows(in, n, what+": header_rows") },
		"nulls":       func(n *strictyaml.Node) { in.Nulls = l.words(n, what+": nulls") },
		"columns":     func(n *strictyaml.Node) { in.Columns = l.columns(n, what) },
		"unpack":      func(n *strictyaml.Node) { in.Unpack = l.unpack(n, what+": unpack") },
		"layouts":     func(n *strictyaml.Node) { in.Layouts = l.layouts(n, what) },
		"ignore":      func(n *strictyaml.Node) { in.Ignore = l.ignore(n, what+": ignore") },
		"student":     func(n *strictyaml.Node) { in.Student = l.oneOrMore(n, what+": student", l.reference) },
		"district":    func(n *strictyaml.Node) { d := l.reference(n, what+": district"); in.District = &d },
		"key":         func(n *strictyaml.Node) { in.Key = l.oneOrMore(n, what+": key", l.reference) },
		"duplicates":  func(n *strictyaml.Node) { in.Duplicates = l.duplicates(n, what+": duplicates") },
		"when":        func(n *strictyaml.Node) { in.When = l.expr(n, what+": when") },
		"expect":      func(n *strictyaml.Node) { in.Expect = l.expect(n, what+": expect") },
		"let":         func(n *strictyaml.Node) { in.Let = l.lets(n) },
		"scores":      func(n *strictyaml.Node) { in.Scores = l.scores(n, what+": scores") },
		"lists":       func(n *strictyaml.Node) { in.Lists = l.lists(n) },
	}, "format")
	if in.Duplicates != nil && len(in.Key) == 0 {
		l.bad(in.Duplicates.Pos, diag.BundleKey, "Add `key`, the columns that tell rows apart.", "%s: duplicates without a key", what)
	}
	for _, c := range in.AllColumns() {
		c.Personal = c.Personal || slices.Contains(Values(in.Student), c.Name.Value)
	}
	l.fitFormat(in, n, what)
	l.bundle.Inputs = append(l.bundle.Inputs, in)
}

func (l *loader) format(n *strictyaml.Node, what string) Text {
	known := table.FormatNames(func(table.Format) bool { return true })
	if table.FormatOf(n.Value).Support != table.Foreseen {
		return l.choice(n, what+": format", known...)
	}
	l.bad(n.Pos, diag.BundleUnsupported, "Export as CSV; "+and(known)+" are known.", "%s: format %s is not in this version", what, n.Value)
	return Text{n.Value, n.Pos}
}

// fitFormat refuses what the format of the file cannot have.
func (l *loader) fitFormat(in *Input, n *strictyaml.Node, what string) {
	format := table.FormatOf(in.Format.Value)
	for _, p := range n.Pairs {
		if no, refused := format.Refuses[p.Key.Value]; refused {
			l.bad(p.Key.Pos, diag.BundleKey, no.Fix, "%s: %s is not allowed here: %s", what, p.Key.Value, no.Why)
		}
	}
	headless := format.Support >= table.Declared && !format.HasHeader
	if headless && len(in.Layouts) == 0 {
		l.bad(in.Name.Pos, diag.BundleKey, "Add layouts: {name: {fields: layouts/x.csv}}, with columns name, start, width.", "%s: a %s file needs layouts with fields", what, format.Name)
	}
	for _, y := range in.Layouts {
		switch {
		case headless && len(y.Has) > 0:
			l.bad(y.Pos, diag.BundleKey, "Write `fields: layouts/x.csv`, and `when` to choose.", "%s: layout %s: a %s file has no headers to recognise it by", what, y.Name.Value, format.Name)
		case !headless && (y.Fields != nil || y.When != nil):
			withHeader := table.FormatNames(func(f table.Format) bool { return f.HasHeader })
			without := table.FormatNames(func(f table.Format) bool { return !f.HasHeader })
			l.bad(y.Pos, diag.BundleKey, "Write `has: Header`; layouts of "+and(withHeader)+" are recognised by headers.", "%s: layout %s: fields and when go only with `format: %s`", what, y.Name.Value, and(without))
		}
	}
}

// and joins words as a sentence lists them.
func and(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func (l *loader) headerRows(in *Input, n *strictyaml.Node, what string) {
	if n.Kind != strictyaml.List {
		in.HeaderRows = []int{l.integer(n, what, 20)}
		return
	}
	in.JoinTitles, in.HeaderRows = true, nil
	for _, item := range n.Items {
		row := l.integer(item, what, 20)
		if k := len(in.HeaderRows); k > 0 && row <= in.HeaderRows[k-1] {
			l.bad(item.Pos, diag.BundleValue, "Name the lines from top to bottom, as in [1, 3].", "%s: line %d does not come after the one before", what, row)
		}
		in.HeaderRows = append(in.HeaderRows, row)
	}
	if len(in.HeaderRows) < 2 {
		l.bad(n.Pos, diag.BundleValue, "Write [1, 3]: titles of line 1 joined to the names of line 3; or one number.", "%s: a list needs two lines or more", what)
	}
}

// columnTypes are the types of a column.
var columnTypes = []Type{TypeText, TypeInteger, TypeDecimal, TypeBoolean, TypeDate, TypeDateTime, TypeTime}

func (l *loader) columns(n *strictyaml.Node, of string) []*Column {
	var all []*Column
	l.each(n, of+": columns", func(name Text, n *strictyaml.Node) { all = append(all, l.column(name, n, of+": column "+name.Value)) })
	return all
}

func (l *loader) column(name Text, n *strictyaml.Node, what string) *Column {
	c := &Column{Name: name, Type: TypeText, Pos: name.Pos}
	switch n.Kind {
	case strictyaml.Scalar:
		c.Headers = []Text{l.header(n, what)}
		c.Personal = suggestsPerson(c.Headers)
		return c
	case strictyaml.List:
		l.bad(n.Pos, diag.BundleValue, "Write {header: [A, B]} for headers of which one is there.", "%s is a list", what)
		return c
	}
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"about":    func(n *strictyaml.Node) { c.About = l.text(n, what+": about").Value },
		"header":   func(n *strictyaml.Node) { c.Headers = l.oneOrMore(n, what+": header", l.header) },
		"type":     func(n *strictyaml.Node) { c.Type = l.typ(n, what+": type", columnTypes...) },
		"format":   func(n *strictyaml.Node) { c.Formats = l.oneOrMore(n, what+": format", l.text) },
		"required": func(n *strictyaml.Node) { c.Required = l.boolean(n, what+": required") },
		"optional": func(n *strictyaml.Node) { c.Optional = l.boolean(n, what+": optional") },
		"layouts":  func(n *strictyaml.Node) { c.Layouts = l.oneOrMore(n, what+": layouts", l.text) },
		"nulls":    func(n *strictyaml.Node) { c.Nulls = l.words(n, what+": nulls") },
		"pad":      func(n *strictyaml.Node) { c.Pad = l.integer(n, what+": pad", 60) },
		"personal": func(n *strictyaml.Node) { c.Personal = l.boolean(n, what+": personal") },
		"yes":      func(n *strictyaml.Node) { c.Yes = l.words(n, what+": yes") },
		"no":       func(n *strictyaml.Node) { c.No = l.words(n, what+": no") },
	}, "header")
	if _, said := n.Get("personal"); !said {
		c.Personal = suggestsPerson(c.Headers)
	}
	dated := c.Type == TypeDate || c.Type == TypeDateTime || c.Type == TypeTime
	switch {
	case dated && len(c.Formats) == 0:
		l.bad(c.Pos, diag.BundleKey, "Add format, as in MM/DD/YYYY; dates are never guessed.", "%s: a %s needs its format", what, c.Type)
	case !dated && len(c.Formats) > 0:
		l.bad(c.Formats[0].Pos, diag.BundleKey, "Remove it, or write `type: date`.", "%s: format goes only with a date, datetime or time", what)
	}
	switch {
	case c.Type == TypeBoolean && (len(c.Yes) == 0 || len(c.No) == 0):
		l.bad(c.Pos, diag.BundleKey, "Add them, as in yes: [Y], no: [N].", "%s: a boolean needs its yes and no", what)
	case c.Type != TypeBoolean && (len(c.Yes) > 0 || len(c.No) > 0):
		l.bad(c.Pos, diag.BundleKey, "Remove them, or write `type: boolean`.", "%s: yes and no go only with a boolean", what)
	}
	if slices.Contains(c.Yes, "") || slices.Contains(c.No, "") {
		l.bad(c.Pos, diag.BundleValue, `Write (x ?? false) where the column is used, if empty means no.`,
			"%s: an empty cell is null, neither yes nor no", what)
	}
	for _, y := range c.Yes {
		if slices.Contains(c.No, y) {
			l.bad(c.Pos, diag.BundleValue, "Take it out of one of them.", "%s: %q is both yes and no", what, y)
		}
	}
	return c
}

func suggestsPerson(headers []Text) bool {
	return slices.ContainsFunc(headers, func(h Text) bool { return personalHeader.MatchString(h.Value) })
}

// header is the text of a header, exact but for blanks around it.
func (l *loader) header(n *strictyaml.Node, what string) Text {
	t := l.text(n, what)
	t.Value = strings.TrimSpace(t.Value)
	if n.IsText() && t.Value == "" {
		l.bad(n.Pos, diag.BundleValue, "Name the column's header.", "%s: the header is blank", what)
	}
	return t
}

func (l *loader) unpack(n *strictyaml.Node, what string) []*Unpack {
	var all []*Unpack
	l.is(n, strictyaml.Map, "Write it as {Header: {width: 3, pieces: 7}}.", what)
	for _, p := range n.Pairs {
		u := &Unpack{Header: Text{p.Key.Value, p.Key.Pos}}
		l.keys(p.Value, what, map[string]func(*strictyaml.Node){
			"width":  func(n *strictyaml.Node) { u.Width = l.integer(n, what+": width", 1000) },
			"pieces": func(n *strictyaml.Node) { u.Pieces = l.integer(n, what+": pieces", 1000) },
		}, "width", "pieces")
		all = append(all, u)
	}
	return all
}

// layouts have free names.
func (l *loader) layouts(n *strictyaml.Node, of string) []*Layout {
	var all []*Layout
	l.is(n, strictyaml.Map, "Write it as {name: {has: Header}}.", of+": layouts")
	for _, p := range n.Pairs {
		y := &Layout{Name: Text{p.Key.Value, p.Key.Pos}, Pos: p.Key.Pos}
		what := of + ": layout " + y.Name.Value
		l.keys(p.Value, what, map[string]func(*strictyaml.Node){
			"about":  func(n *strictyaml.Node) { y.About = l.text(n, what+": about").Value },
			"has":    func(n *strictyaml.Node) { y.Has = l.oneOrMore(n, what+": has", l.text) },
			"fields": func(n *strictyaml.Node) { f := l.file(n, what+": fields"); y.Fields = &f },
			"when":   func(n *strictyaml.Node) { y.When = l.expr(n, what+": when") },
		})
		if p.Value.Kind == strictyaml.Map && (len(y.Has) > 0) == (y.Fields != nil) {
			l.bad(y.Pos, diag.BundleKey, "Write `has: Header`; a fixed file has `fields: file`.", "%s: give exactly one of has and fields", what)
		}
		all = append(all, y)
	}
	return all
}

// ignore maps free reasons to patterns.
func (l *loader) ignore(n *strictyaml.Node, what string) []*Ignore {
	var all []*Ignore
	l.is(n, strictyaml.Map, "Write it as {reason: [Header, Other*]}.", what)
	for _, p := range n.Pairs {
		all = append(all, &Ignore{Reason: Text{p.Key.Value, p.Key.Pos}, Globs: l.oneOrMore(p.Value, what, l.text)})
	}
	return all
}

func (l *loader) duplicates(n *strictyaml.Node, what string) *Duplicates {
	d := &Duplicates{Pos: n.Pos}
	l.keys(n, what, map[string]func(*strictyaml.Node){
		"keep": func(n *strictyaml.Node) { d.Keep = l.choice(n, what+": keep", "first", "last").Value },
		"by":   func(n *strictyaml.Node) { by := l.reference(n, what+": by"); d.By = &by },
	}, "keep")
	return d
}

func (l *loader) expect(n *strictyaml.Node, what string) []*Expect {
	l.is(n, strictyaml.List, "Write it as a list of {that, level, why}.", what)
	levels := map[string]diag.Level{"error": diag.LevelError, "warning": diag.LevelWarning, "info": diag.LevelInfo}
	var all []*Expect
	for _, item := range n.Items {
		e := &Expect{Level: diag.LevelError, Pos: item.Pos}
		l.keys(item, what, map[string]func(*strictyaml.Node){
			"that": func(n *strictyaml.Node) { e.That = l.expr(n, what+": that") },
			"level": func(n *strictyaml.Node) {
				e.Level = levels[l.choice(n, what+": level", "error", "warning", "info").Value]
			},
			"why": func(n *strictyaml.Node) { e.Why = l.text(n, what+": why").Value },
		}, "that", "why")
		if e.That != nil {
			all = append(all, e)
		}
	}
	return all
}

// scores is tables.s, {table, on}, or a list of these.
func (l *loader) scores(n *strictyaml.Node, what string) []*ScoreUse {
	items := []*strictyaml.Node{n}
	if n.Kind == strictyaml.List {
		items = n.Items
	}
	var all []*ScoreUse
	for _, item := range items {
		use := &ScoreUse{Pos: item.Pos}
		switch {
		case item.Null:
			continue
		case item.Kind == strictyaml.List:
			l.bad(item.Pos, diag.BundleValue, "", "%s: a list in a list", what)
			continue
		case item.Kind == strictyaml.Scalar:
			use.Table = l.table(item, what)
		default:
			l.keys(item, what, map[string]func(*strictyaml.Node){
				"table": func(n *strictyaml.Node) { use.Table = l.table(n, what+": table") },
				"on":    func(n *strictyaml.Node) { on := l.reference(n, what+": on"); use.On = &on },
			}, "table")
		}
		all = append(all, use)
	}
	return all
}

func (l *loader) lists(n *strictyaml.Node) []*List {
	var all []*List
	l.each(n, "lists", func(name Text, n *strictyaml.Node) {
		list := &List{Name: name}
		what := "list " + name.Value
		l.keys(n, what, map[string]func(*strictyaml.Node){
			"about":      func(n *strictyaml.Node) { list.About = l.text(n, what+": about").Value },
			"over":       func(n *strictyaml.Node) { list.Over = l.over(n, what+": over") },
			"on":         func(n *strictyaml.Node) { list.On = l.oneOrMore(n, what+": on", l.reference) },
			"optional":   func(n *strictyaml.Node) { list.Optional = l.boolean(n, what+": optional") },
			"columns":    func(n *strictyaml.Node) { list.Columns = l.columns(n, what) },
			"key":        func(n *strictyaml.Node) { list.Key = l.oneOrMore(n, what+": key", l.reference) },
			"duplicates": func(n *strictyaml.Node) { list.Duplicates = l.duplicates(n, what+": duplicates") },
			"let":        func(n *strictyaml.Node) { list.Let = l.lets(n) },
			"scores":     func(n *strictyaml.Node) { list.Scores = l.scores(n, what+": scores") },
			"lists":      func(n *strictyaml.Node) { list.Lists = l.lists(n) },
		}, "over")
		if list.Duplicates != nil && len(list.Key) == 0 {
			l.bad(list.Duplicates.Pos, diag.BundleKey, "Add `key`, what tells elements apart.", "%s: duplicates without a key", what)
		}
		all = append(all, list)
	})
	return all
}

// maxElements bounds a range: a slip such as 1..99999 must not make a hundred thousand columns.
const maxElements = 1000

var rangeForm = regexp.MustCompile(`^(\d{1,6})\.\.(\d{1,6})$`)

// over is {n: 1..8}, {subject: [ELA, MTH]} or tables.t.
func (l *loader) over(n *strictyaml.Node, what string) Over {
	o := Over{Pos: n.Pos}
	if n.Null {
		return o
	}
	if n.Kind == strictyaml.Scalar && strings.HasPrefix(n.Value, "inputs.") {
		l.bad(n.Pos, diag.BundleUnsupported, "Map the other file on its own.", "%s: joining another input is not in this version", what)
		return o
	}
	if n.Kind == strictyaml.Scalar {
		table := l.table(n, what)
		o.Table = &table
		return o
	}
	if n.Kind != strictyaml.Map || len(n.Pairs) != 1 {
		l.bad(n.Pos, diag.BundleList, "Write {n: 1..8}, {subject: [ELA, MTH]} or tables.NAME.", "%s: one field with a range or words, or a table", what)
		return o
	}
	o.Field = l.declared(n.Pairs[0].Key)
	value := n.Pairs[0].Value
	if value.Kind == strictyaml.List {
		o.Words = l.list(value, what, l.text)
		return o
	}
	m := rangeForm.FindStringSubmatch(value.Value)
	if m == nil {
		l.bad(value.Pos, diag.BundleList, "Write it as 1..8 or 01..30, or as a list of words.", "%s: %q is not a range", what, value.Value)
		return o
	}
	o.Range = true
	o.From, _ = strconv.Atoi(m[1])
	o.To, _ = strconv.Atoi(m[2])
	if len(m[1]) > 1 && m[1][0] == '0' {
		o.Width = len(m[1])
	}
	switch {
	case o.To < o.From || o.Width > 0 && len(m[2]) != o.Width:
		l.bad(value.Pos, diag.BundleList, "Count upwards, with equally many digits if the first has a leading zero.", "%s: %q is not a range", what, value.Value)
		o.To = o.From
	case o.To-o.From >= maxElements:
		l.bad(value.Pos, diag.BundleList, "", "%s: %q has more than %d elements", what, value.Value, maxElements)
		o.To = o.From
	}
	return o
}
