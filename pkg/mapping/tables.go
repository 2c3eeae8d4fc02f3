package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Overlay is the tenant's own rows of a bundle's tables.
type Overlay struct {
	FS   fs.FS  // the tenant's folder of tables for this bundle; nil if there is none yet
	Path string // how messages name the folder
}

// lookupTable is a table of the bundle, with the rows of the tenant's overlay in it. Immutable once
// it is finished.
type lookupTable struct {
	*expression.Table
	pos     diag.Pos // in bundle.yaml, or of the CSV
	file    string   // in the bundle: tables/x.csv
	shown   string   // how messages name the file
	keyed   bool     // rows are found by key, so keys must be there and differ
	decided []bool   // the kind of a column was declared, or follows from a lookup
	overlay bool     // tenants may overlay it
	over    string   // how messages name the overlay file; empty without tenant
}

// loadTables reads every tables/*.csv, and what `tables:` says of them.
func (c *compiler) loadTables() {
	c.tables, c.unread = map[string]*lookupTable{}, map[string]bool{}
	declared := map[string]*bundle.Table{}
	for _, t := range c.bundle.Tables {
		declared[t.Name.Value] = t
	}
	files, err := fs.Glob(c.bundle.FS, "tables/*.csv")
	if err != nil {
		c.add(diag.Pos{File: c.bundle.Path}, diag.BundleTable, "", "the folder tables cannot be read: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".csv")
		if declared[name] == nil {
			c.loadTable(name, file, nil)
		}
	}
	for _, t := range c.bundle.Tables {
		file := "tables/" + t.Name.Value + ".csv"
		if t.File != nil {
			file = path.Clean(t.File.Value)
		}
		if _, err := fs.Stat(c.bundle.FS, file); err != nil {
			var known []string
			for _, f := range files {
				known = append(known, strings.TrimSuffix(path.Base(f), ".csv"))
			}
			c.unread[t.Name.Value] = true
			c.add(t.Name.Pos, diag.BundleTable, "Put the CSV there, or name it under `file:`.", "there is no %s%s", file, diag.DidYouMean(t.Name.Value, known))
			continue
		}
		c.loadTable(t.Name.Value, file, t)
	}
}

func (c *compiler) loadTable(name, file string, def *bundle.Table) {
	t := &lookupTable{Table: &expression.Table{Name: name, Keys: []int{0}, From: -1, To: -1}, file: file, shown: path.Join(c.bundle.Path, file)}
	t.pos = diag.Pos{File: t.shown, Line: 1}
	text, err := fs.ReadFile(c.bundle.FS, file)
	if err != nil {
		c.unread[name] = true
		c.add(t.pos, diag.BundleTable, "", "the table cannot be read: %v", err)
		return
	}
	if !c.readCSV(t, t.shown, text) {
		c.unread[name] = true
		return
	}
	t.Kinds, t.decided, t.Empty = make([]expression.Kind, len(t.Header)), make([]bool, len(t.Header)), make([]bool, len(t.Header))
	for i := range t.Kinds {
		t.Kinds[i] = expression.KindText
	}
	c.tables[name] = t
	if def != nil {
		c.tableOptions(t, def)
	}
}

func (c *compiler) tableOptions(t *lookupTable, def *bundle.Table) {
	t.pos, t.overlay = def.Pos, def.Overlay
	t.keyed = def.Overlay // a tenant's row replaces the one with its key
	find := func(w bundle.Text) (int, bool) {
		i, ok := t.Column(w.Value)
		if !ok {
			c.add(w.Pos, diag.BundleTable, "Its columns are "+strings.Join(t.Header, ", ")+".", "%s has no column %q%s", t.file, w.Value, diag.DidYouMean(w.Value, t.Header))
		}
		return i, ok
	}
	if len(def.Key) > 0 {
		t.Keys, t.keyed = nil, true
		for _, k := range def.Key {
			if i, ok := find(k); ok {
				t.Keys = append(t.Keys, i)
			}
		}
	}
	for _, k := range def.Types {
		if i, ok := find(k.Column); ok {
			t.Kinds[i], t.decided[i] = kindOf(k.Type), true
		}
	}
	if def.Valid != nil {
		t.keyed = true
		for _, end := range []struct {
			column bundle.Text
			into   *int
		}{{def.Valid.From, &t.From}, {def.Valid.To, &t.To}} {
			if i, ok := find(end.column); ok {
				*end.into = i
				t.Kinds[i], t.decided[i] = expression.KindDate, true
			}
		}
	}
}

// readCSV reads header and rows; a row that is ragged is a problem.
func (c *compiler) readCSV(t *lookupTable, shown string, text []byte) bool {
	header, rows, problem := parseCSV(shown, text)
	if problem != nil {
		c.report.problems.Add(*problem)
		return false
	}
	t.Header = header
	for i, h := range header {
		if h == "" {
			c.add(diag.Pos{File: shown, Line: 1}, diag.BundleTable, "Name every column.", "column %d has no name", i+1)
			return false
		}
		if slices.Index(header, h) != i {
			c.add(diag.Pos{File: shown, Line: 1}, diag.BundleTable, "Rename one.", "the column %q occurs twice", h)
			return false
		}
	}
	t.Rows = c.cleanRows(rows, len(header))
	return true
}

func (c *compiler) cleanRows(rows []expression.TableRow, width int) []expression.TableRow {
	out := rows[:0]
	for _, r := range rows {
		if len(r.Cells) != width {
			message, fix := expression.Ragged(r.Cells, width)
			c.add(r.Pos, c.codeOf(r.Pos, diag.BundleTable), fix, "%s", message)
			continue
		}
		out = append(out, r)
	}
	return out
}

// parseCSV reads a table; cells are trimmed.
func parseCSV(shown string, text []byte) ([]string, []expression.TableRow, *diag.Problem) {
	header, records, problem := table.ReadAll(shown, text)
	if problem != nil {
		problem.Code = diag.BundleTable
		return nil, nil, problem
	}
	for i := range header {
		header[i] = expression.TrimSpace(header[i])
	}
	rows := make([]expression.TableRow, len(records))
	for k, r := range records {
		for i := range r.Cells {
			r.Cells[i] = expression.TrimSpace(r.Cells[i])
		}
		rows[k] = expression.TableRow{Cells: r.Cells, Pos: diag.Pos{File: shown, Line: r.Line}}
	}
	return header, rows, nil
}

// table finds a table that is used; one that is not there is a problem of a code.
func (c *compiler) table(name bundle.Text, code diag.Code) *lookupTable {
	t := c.tables[name.Value]
	switch {
	case c.unread[name.Value]:
		c.report.problems.Met++
		return nil
	case t == nil:
		c.add(name.Pos, code, "Put it at tables/"+name.Value+".csv.", "there is no table %q%s", name.Value, diag.DidYouMean(name.Value, slices.Sorted(maps.Keys(c.tables))))
		return nil
	}
	c.report.uses.tables[t.Name] = true
	return t
}

// overlays puts the tenant's rows into the tables, and finds files that may not be there.
func (c *compiler) overlays() {
	for _, t := range c.tables {
		if t.overlay && c.config.Overlay != nil {
			t.over = path.Join(c.config.Overlay.Path, path.Base(t.file))
		}
	}
	if c.config.Overlay == nil || c.config.Overlay.FS == nil {
		return
	}
	folder := c.config.Overlay.Path
	entries, err := fs.ReadDir(c.config.Overlay.FS, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		c.add(diag.Pos{File: folder}, diag.BundleOverlay, "Check the folder's permissions.", "the tenant's tables cannot be read: %v", err)
		return
	}
	for _, e := range entries {
		if leftBehind.MatchString(e.Name()) {
			continue
		}
		c.overlayFile(e.Name(), path.Join(folder, e.Name()))
	}
}

// leftBehind matches what editors leave, and copies of tables that somebody keeps.
var leftBehind = regexp.MustCompile(`(?i)^[.#]|^~\$|~$|\.csv\.(bak|old|orig)$`)

func (c *compiler) overlayFile(name, shown string) {
	var targets []*lookupTable
	var allowed []string
	for _, t := range c.tables {
		if t.overlay {
			allowed = append(allowed, path.Base(t.file))
			if path.Base(t.file) == name {
				targets = append(targets, t)
			}
		}
	}
	for _, d := range c.shared {
		if d.host == "" {
			continue
		}
		allowed = append(allowed, d.typ+".csv")
		if d.typ+".csv" == name {
			d.table = &lookupTable{Table: &expression.Table{Name: d.typ, Header: []string{"value", "descriptor"}, Keys: []int{0}, From: -1, To: -1, Kinds: []expression.Kind{expression.KindText, expression.KindText}, Empty: make([]bool, 2)},
				file: d.typ + ".csv", shown: shown, keyed: true, overlay: true, over: shown, decided: make([]bool, 2)}
			targets = append(targets, d.table)
		}
	}
	slices.Sort(allowed)
	pos := diag.Pos{File: shown, Line: 1}
	if len(targets) == 0 {
		c.add(pos, diag.BundleOverlay, "Move it away, or name it after a table that a tenant may overlay: "+strings.Join(slices.Compact(allowed), ", ")+".", "%s is not a table that a tenant may overlay%s", name, diag.DidYouMean(name, allowed))
		return
	}
	text, err := fs.ReadFile(c.config.Overlay.FS, name)
	if err != nil {
		c.add(pos, diag.BundleOverlay, "", "the table cannot be read: %v", err)
		return
	}
	sum := sha256.Sum256(text)
	file := OverlayFile{Path: shown, SHA256: hex.EncodeToString(sum[:])}
	defer func() { c.program.Overlays = append(c.program.Overlays, file) }()
	for _, t := range targets {
		header, rows, problem := parseCSV(shown, text)
		if problem != nil {
			problem.Code = diag.BundleOverlay
			c.report.problems.Add(*problem)
			return
		}
		if header, rows = expression.Unpadded(header, rows); !slices.Equal(header, t.Header) {
			message, fix := expression.OtherHeader(header, t.Header)
			c.add(pos, diag.BundleOverlay, fix, "%s", message)
			return
		}
		file.Merged = t.Merge(c.cleanRows(rows, len(header)), c.Report)
	}
}

// finishTables types the cells and builds the indexes, once it is known what is looked up.
func (c *compiler) finishTables() {
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		c.finish(c.tables[name])
	}
	for _, d := range c.shared {
		if d.table != nil && d.host != "" {
			c.finish(d.table)
		}
	}
}

// finish fills a table, and says where what it lacks belongs: into the tenant's overlay, or into the
// bundle's file.
func (c *compiler) finish(t *lookupTable) {
	t.Place = t.shown
	switch {
	case t.overlay && t.over != "":
		t.Place = t.over
	case c.bundle.Origin != bundle.Embedded:
	case t.overlay:
		t.Remedy = "Name a tenant with --tenant: its own table " + path.Base(t.file) + " may have the row."
	default:
		t.Remedy = "Copy the bundle with `sluice bundle copy " + c.bundle.Name + " DIR`, and add the row to DIR/" + t.file + "."
	}
	t.Fill(t.keyed, func(p diag.Problem) {
		p.Code = c.codeOf(p.Pos(), p.Code)
		c.Report(p)
	})
}
