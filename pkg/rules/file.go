// Package rules owns rules.yaml: what a bundle or a tenant asks of staged records beyond what the target asks.
// It reads and compiles the file, evaluates rules on records and on totals, and says what breaks them; what follows
// from that, validate decides.
package rules

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/expression"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// File is how the file is called, in a bundle's folder and in a tenant's for it.
const File = "rules.yaml"

// Source is a rules.yaml: how messages name it, what it says, and whose it is. By the last its totals are kept from
// run to run, wherever it lies.
type Source struct {
	Path string
	Text []byte
	Of   string // OfBundle or OfTenant
}

// Whose rules a file has.
const (
	OfBundle = "bundle"
	OfTenant = "tenant"
)

// written is a rule or a total as it stands in the file.
type written struct {
	pos   diag.Pos
	texts map[string]*strictyaml.Node // by key
	level diag.Level
	id    string
	share float64 // the tolerance
}

func (w *written) text(key string) string {
	if n := w.texts[key]; n != nil {
		return n.Value
	}
	return ""
}

// reader reads files and gathers problems.
type reader struct {
	problems diag.List
	rules    []*written
	totals   []*written
	ids      map[string]diag.Pos
}

func (r *reader) bad(at diag.Pos, fix, format string, args ...any) {
	r.problems = append(r.problems, diag.At(at, diag.RulesFile, fix, format, args...))
}

func (r *reader) file(s Source) {
	before := len(r.problems)
	root, problems := strictyaml.ParseAs(diag.RulesFile, s.Path, s.Text)
	r.problems = append(r.problems, problems...)
	if root != nil && len(problems) == 0 {
		r.root(root)
	}
	strictyaml.Snippets(r.problems[before:], s.Path, s.Text)
}

func (r *reader) root(n *strictyaml.Node) {
	r.ids = map[string]diag.Pos{} // of each file its own
	versioned := false
	r.keys(n, "rules.yaml", map[string]func(*strictyaml.Node){
		"format": func(n *strictyaml.Node) {
			if versioned = true; n.Value != "1" {
				r.bad(n.Pos, "Write `format: 1`.", "format %s is not known", n.Value)
			}
		},
		"totals": func(n *strictyaml.Node) {
			if n.Kind != strictyaml.Map {
				r.bad(n.Pos, "Write `name: {count: …}` for each.", "totals must be a map")
				return
			}
			for _, p := range n.Pairs {
				r.total(p.Key, p.Value)
			}
		},
		"rules": func(n *strictyaml.Node) {
			if n.Kind != strictyaml.List {
				r.bad(n.Pos, "Write `- id: …` for each.", "rules must be a list")
				return
			}
			for _, item := range n.Items {
				r.rule(item)
			}
		},
	})
	if n.Kind == strictyaml.Map && !versioned {
		r.bad(n.Pos, "Begin with `format: 1`.", "rules.yaml has no format")
	}
}

// keys calls the function of each key; unknown ones are problems.
func (r *reader) keys(n *strictyaml.Node, what string, known map[string]func(*strictyaml.Node)) {
	if n.Kind != strictyaml.Map {
		r.bad(n.Pos, "", "%s must be a map", what)
		return
	}
	names := slices.Sorted(maps.Keys(known))
	for _, p := range n.Pairs {
		if f, ok := known[p.Key.Value]; ok {
			f(p.Value)
			continue
		}
		r.bad(p.Key.Pos, "It may have "+strings.Join(names, ", ")+".", "%s: unknown key %q%s", what, p.Key.Value, diag.DidYouMean(p.Key.Value, names))
	}
}

// texts reads keys that are single values.
func (r *reader) texts(w *written, n *strictyaml.Node, what string, keys ...string) {
	known := map[string]func(*strictyaml.Node){}
	for _, key := range keys {
		known[key] = func(n *strictyaml.Node) {
			if n.Kind != strictyaml.Scalar || n.Value == "" {
				r.bad(n.Pos, "", "%s: %s must be a text", what, key)
				return
			}
			w.texts[key] = n
		}
	}
	r.keys(n, what, known)
}

func (r *reader) total(key, n *strictyaml.Node) {
	w := &written{pos: key.Pos, id: key.Value, texts: map[string]*strictyaml.Node{}}
	what := "total " + key.Value
	r.texts(w, n, what, "count", "sum", "of", "where")
	switch {
	case !expression.IsName(w.id) || expression.IsWord(w.id) || expression.IsFunction(w.id):
		r.bad(key.Pos, "Use small letters, digits and _, a letter first.", "%q cannot be the name of a total", w.id)
	case n.Kind != strictyaml.Map:
	case (w.texts["count"] == nil) == (w.texts["sum"] == nil):
		r.bad(n.Pos, "Write {count: RESOURCE}, or {sum: EXPRESSION, of: RESOURCE}.", "%s must have either count or sum", what)
	case (w.texts["sum"] == nil) != (w.texts["of"] == nil):
		r.bad(n.Pos, "Write {sum: EXPRESSION, of: RESOURCE}.", "%s: sum and of go together", what)
	default:
		r.totals = append(r.totals, w)
	}
}

var levels = map[string]diag.Level{"error": diag.LevelError, "warning": diag.LevelWarning, "note": diag.LevelInfo}

func (r *reader) rule(n *strictyaml.Node) {
	w := &written{pos: n.Pos, texts: map[string]*strictyaml.Node{}}
	if n.Kind == strictyaml.Map {
		if id, ok := n.Get("id"); ok {
			w.id = id.Value
		}
	}
	what := strings.TrimSpace("rule " + w.id)
	before := len(r.problems)
	r.texts(w, n, what, "id", "each", "where", "must", "compare", "with", "tolerance", "level", "why", "message")
	if len(r.problems) > before || n.Kind != strictyaml.Map {
		return
	}
	for _, key := range []string{"id", "level", "why", "message"} {
		if w.texts[key] == nil {
			r.bad(n.Pos, "Each rule has id, level, why and message.", "%s has no %s", what, key)
		}
	}
	if first, twice := r.ids[w.id]; twice && w.id != "" {
		r.bad(w.texts["id"].Pos, "Give it another id.", "there is another rule %q (%s)", w.id, first)
	}
	r.ids[w.id] = w.pos
	r.shape(w, n, what)
	var known bool
	if w.level, known = levels[w.text("level")]; !known && w.texts["level"] != nil {
		r.bad(w.texts["level"].Pos, "Write error, warning or note.", "%s: level %q is not known%s", what, w.text("level"),
			diag.DidYouMean(w.text("level"), slices.Sorted(maps.Keys(levels))))
	}
	if len(r.problems) == before {
		r.rules = append(r.rules, w)
	}
}

// shape makes sure that a rule is of one kind.
func (r *reader) shape(w *written, n *strictyaml.Node, what string) {
	has := func(key string) bool { return w.texts[key] != nil }
	switch {
	case has("compare"):
		if !has("with") || !has("tolerance") || has("must") || has("each") || has("where") {
			r.bad(n.Pos, "Write {compare: …, with: …, tolerance: 5%}.", "%s: compare goes with `with` and `tolerance`, and with nothing else", what)
		}
	case !has("must"):
		r.bad(n.Pos, "Write `must: CONDITION`, or `compare: A`, `with: B` and `tolerance: 5%`.", "%s asks for nothing", what)
	case has("with") || has("tolerance"):
		r.bad(n.Pos, "Write `compare`, or leave them out.", "%s: with and tolerance belong to compare", what)
	case has("where") && !has("each"):
		r.bad(n.Pos, "Add `each: RESOURCE`.", "%s: where says which records a rule is for, so it goes with each", what)
	}
	if !has("tolerance") {
		return
	}
	number, percent := strings.CutSuffix(w.text("tolerance"), "%")
	share, err := strconv.ParseFloat(number, 64)
	if !percent || err != nil || !(share >= 0) {
		r.bad(w.texts["tolerance"].Pos, "Write it as 5%.", "%s: tolerance %q is not a percentage", what, w.text("tolerance"))
	}
	w.share = share / 100
}

// source is a text of the file as an expression, with the place of each of its characters.
func source(n *strictyaml.Node) expression.Text {
	return expression.Text{Source: n.Value, At: func(line, col int) diag.Pos {
		p := n.TextPos
		if p.File == "" {
			p = n.Pos
		}
		line, col = max(line, 1), max(col, 1)
		switch {
		case line > 1:
			p.Line, p.Col = p.Line+line-1, col
		case len(n.Columns) > 0:
			p.Col = n.Columns[min(col, len(n.Columns))-1]
		default:
			p.Col += col - 1
		}
		return p
	}}
}

// name is what messages call a rule.
func (w *written) name() string { return cmp.Or(w.id, "?") }

// In is the rules.yaml in a folder, which messages call by its path; none if there is no such file.
func In(fsys fs.FS, folder, of string) ([]Source, error) {
	text, err := fs.ReadFile(fsys, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []Source{{path.Join(filepath.ToSlash(folder), File), text, of}}, nil
}
