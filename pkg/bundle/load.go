package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// File is the bundle's mapping, in its folder.
const File = "bundle.yaml"

var (
	nameForm       = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	bundleForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	versionForm    = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)
	propertyForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	descriptorForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*Descriptor$`)
	jsonNumber     = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$`)
)

// Load reads the bundle in fsys, whose root is the bundle's folder. path is how positions name the
// folder, origin where it comes from. The bundle is nil if its YAML could not be read at all;
// with problems of level 1 or 2 it must not be used.
func Load(fsys fs.FS, folder, origin string) (*Bundle, diag.List) {
	file := path.Join(folder, File)
	src, err := read(fsys, File)
	if err != nil {
		reason := "it cannot be read"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			reason = "there is none"
		case errors.Is(err, errNotRegular):
			reason = errNotRegular.Error()
		}
		return nil, diag.List{diag.At(diag.Pos{File: file}, diag.BundleNotFound, "Name the folder that holds "+File+".", "%s: %s", file, reason)}
	}
	root, problems := strictyaml.Parse(file, src)
	l := &loader{problems: problems, bundle: &Bundle{FS: fsys, Path: folder, Origin: origin}}
	if root == nil {
		return nil, l.finish(file, src)
	}
	l.root(root)
	if l.bundle.Digest, err = l.bundle.digest(); err != nil {
		l.bad(diag.Pos{File: file}, diag.ConfigFile, "Check the permissions of the bundle's files; a link may not lead out of its folder.", "a file of the bundle cannot be read: %v", err)
	}
	return l.bundle, l.finish(file, src)
}

// read reads a file of the bundle, but not much more of one than can be a mapping.
func read(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
}

// digest is over the names and contents of what decides the output: the mapping, its tables and
// its layouts. A file that is named and absent is the compiler's to report.
func (b *Bundle) digest() (string, error) {
	tables, err := b.TableFiles()
	if err != nil {
		return "", err
	}
	files := append(slices.Collect(maps.Values(tables)), File, "rules.yaml")
	for _, in := range b.Inputs {
		for _, y := range in.Layouts {
			if y.Fields != nil {
				files = append(files, y.Fields.Value)
			}
		}
	}
	slices.Sort(files)
	h := sha256.New()
	for _, name := range slices.Compact(files) {
		text, err := fs.ReadFile(b.FS, name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		fmt.Fprintf(h, "%d %s %d ", len(name), name, len(text))
		h.Write(text)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// TableFiles lists the bundle's tables: name → file, every tables/x.csv and what `tables:` names.
func (b *Bundle) TableFiles() (map[string]string, error) {
	all := map[string]string{}
	entries, err := fs.ReadDir(b.FS, "tables")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".csv"); ok && !e.IsDir() {
			all[name] = "tables/" + e.Name()
		}
	}
	for _, t := range b.Tables {
		if t.File != nil {
			all[t.Name.Value] = t.File.Value
		}
	}
	return all, nil
}

// loader walks the YAML and gathers problems.
type loader struct {
	bundle   *Bundle
	problems diag.List
}

func (l *loader) finish(file string, src []byte) diag.List {
	l.problems.Sort()
	strictyaml.Snippets(l.problems, file, src)
	return l.problems
}

func (l *loader) bad(pos diag.Pos, code diag.Code, fix, format string, args ...any) {
	l.problems = append(l.problems, diag.At(pos, code, fix, format, args...))
}

// keys calls the function of each key of a map, and says which keys are unknown, and which of the required
// ones are missing. `about` may stand on any declaration.
func (l *loader) keys(n *strictyaml.Node, what string, known map[string]func(*strictyaml.Node), required ...string) {
	if !l.is(n, strictyaml.Map, "Write it as key: value, in lines or in braces.", what) {
		return
	}
	names := slices.Sorted(maps.Keys(known))
	for _, p := range n.Pairs {
		read, ok := known[p.Key.Value]
		switch {
		case ok:
			read(p.Value)
		case p.Key.Value == "about":
			l.text(p.Value, "about")
		default:
			l.bad(p.Key.Pos, diag.BundleKey, "Keys here: "+strings.Join(names, ", ")+".", "%s: unknown key %q%s", what, p.Key.Value, diag.DidYouMean(p.Key.Value, names))
		}
	}
	for _, name := range required {
		if _, ok := n.Get(name); !ok {
			l.bad(n.Pos, diag.BundleKey, "Add it.", "%s: %s is missing", what, name)
		}
	}
}

// is refuses a node of another kind, which has neither pairs nor items to go through; one without value
// was refused when it was parsed.
func (l *loader) is(n *strictyaml.Node, kind strictyaml.Kind, fix, what string) bool {
	if n.Kind != kind && !n.Null {
		l.bad(n.Pos, diag.BundleValue, fix, "%s must be %s, and is %s", what, kind, n.Kind)
	}
	return n.Kind == kind && !n.Null
}

// each calls read for every name and value of a map of declarations, whose names are ours.
func (l *loader) each(n *strictyaml.Node, what string, read func(name Text, value *strictyaml.Node)) {
	l.is(n, strictyaml.Map, "Write it as name: value.", what)
	for _, p := range n.Pairs {
		name := Text{p.Key.Value, p.Key.Pos}
		if !p.Value.Null { // refused already, and maybe not even a name
			name = l.declared(p.Key)
		}
		read(name, p.Value)
	}
}

// declared is a name of ours.
func (l *loader) declared(n *strictyaml.Node) Text {
	if !nameForm.MatchString(n.Value) {
		l.bad(n.Pos, diag.BundleName, "Use a–z, 0–9 and _, a letter first (snake_case).", "%q cannot be a name", n.Value)
	}
	return Text{n.Value, n.Pos}
}

// text is a text without any doubt; a number or boolean must be quoted.
func (l *loader) text(n *strictyaml.Node, what string) Text {
	switch {
	case n.Null:
	case n.Kind != strictyaml.Scalar:
		l.bad(n.Pos, diag.BundleValue, "", "%s must be a text, and is %s", what, n.Kind)
	case !n.IsText():
		l.bad(n.Pos, diag.BundleValue, fmt.Sprintf("Write %q.", n.Value), "%s: %s is %s for YAML; quote it", what, n.Value, n.Type)
	}
	return Text{n.Value, n.Pos}
}

// reference is the name of something that must be declared elsewhere.
func (l *loader) reference(n *strictyaml.Node, what string) Text {
	t := l.text(n, what)
	if n.IsText() && !nameForm.MatchString(t.Value) {
		l.bad(n.Pos, diag.BundleName, "Write a name as it is declared: a–z, 0–9 and _.", "%s: %q is not a name", what, t.Value)
	}
	return t
}

// oneOrMore reads a value that may be one or a list of them.
func (l *loader) oneOrMore(n *strictyaml.Node, what string, read func(*strictyaml.Node, string) Text) []Text {
	switch {
	case n.Null:
		return nil
	case n.Kind != strictyaml.List:
		return []Text{read(n, what)}
	}
	return l.list(n, what, read)
}

func (l *loader) list(n *strictyaml.Node, what string, read func(*strictyaml.Node, string) Text) []Text {
	if !l.is(n, strictyaml.List, "Write it as [a, b].", what) {
		return nil
	}
	if len(n.Items) == 0 {
		l.bad(n.Pos, diag.BundleValue, "Remove the key, or name something.", "%s is empty", what)
	}
	seen := map[string]bool{}
	var all []Text
	for _, item := range n.Items {
		t := read(item, what)
		if seen[t.Value] {
			l.bad(t.Pos, diag.BundleName, "Remove one.", "%s: %q is listed twice", what, t.Value)
		}
		seen[t.Value] = true
		all = append(all, t)
	}
	return all
}

// words are texts that vendors write, and cells are compared with. Cells are trimmed before they are.
func (l *loader) words(n *strictyaml.Node, what string) []string {
	var all []string
	for _, t := range l.list(n, what, l.text) {
		if trimmed := strings.TrimSpace(t.Value); trimmed != t.Value {
			l.bad(t.Pos, diag.BundleValue, fmt.Sprintf("Write %q.", trimmed),
				"%s: no cell can be %q: blanks around a cell are removed first", what, t.Value)
		}
		all = append(all, t.Value)
	}
	return all
}

// integer is a whole number from 1 on, in digits alone.
func (l *loader) integer(n *strictyaml.Node, what string, high int) int {
	v, err := strconv.Atoi(n.Value)
	if err == nil && n.Type == strictyaml.Number && n.Value[0] != '+' && v >= 1 && v <= high {
		return v
	}
	if !n.Null {
		l.bad(n.Pos, diag.BundleValue, "", "%s must be a whole number from 1 to %d", what, high)
	}
	return 1
}

func (l *loader) boolean(n *strictyaml.Node, what string) bool {
	if !n.Null && (n.Value != "true" && n.Value != "false" || n.Type != strictyaml.Boolean) {
		l.bad(n.Pos, diag.BundleValue, "Write true or false.", "%s must be true or false", what)
	}
	return n.Value == "true"
}

// choice is one of some words.
func (l *loader) choice(n *strictyaml.Node, what string, words ...string) Text {
	t := Text{n.Value, n.Pos}
	if !n.Null && !slices.Contains(words, n.Value) {
		l.bad(n.Pos, diag.BundleValue, "One of: "+strings.Join(words, ", ")+".", "%s must be one of these, not %q%s", what, n.Value, diag.DidYouMean(n.Value, words))
	}
	return t
}

// expr is a place where an expression is expected.
func (l *loader) expr(n *strictyaml.Node, what string) *Expr {
	if n.Null {
		return &Expr{Pos: n.Pos}
	}
	if n.Kind != strictyaml.Scalar {
		l.bad(n.Pos, diag.BundleExpression, `Write an expression; if it holds a comma, a colon or braces, quote it.`, "%s must be an expression, and is %s", what, n.Kind)
		return &Expr{Pos: n.Pos}
	}
	e := &Expr{Source: n.Value, Pos: n.TextPos, Block: n.Style == strictyaml.Literal, columns: n.Columns}
	if strings.TrimSpace(e.Source) == "" {
		l.bad(n.Pos, diag.BundleExpression, `An empty text is '""'.`, "%s: the expression is empty", what)
	}
	return e
}

// table is `tables.x`.
func (l *loader) table(n *strictyaml.Node, what string) Text {
	t := l.text(n, what)
	name, ok := strings.CutPrefix(t.Value, "tables.")
	if n.IsText() && (!ok || !nameForm.MatchString(name)) {
		l.bad(n.Pos, diag.BundleTable, "Write tables.NAME for tables/NAME.csv.", "%s: %q names no table", what, t.Value)
	}
	return Text{name, t.Pos}
}

func (l *loader) typ(n *strictyaml.Node, what string, allowed ...Type) Type {
	words := make([]string, len(allowed))
	for i, t := range allowed {
		words[i] = string(t)
	}
	return Type(l.choice(n, what, words...).Value)
}
