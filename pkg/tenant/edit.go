package tenant

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/strictyaml"
)

// Clone is the text of sluice.yaml with a copy of a tenant after it, under another name: the next school
// year of a year-specific ODS. The copy is made line by line, so that comments stay. It is the caller's
// to change what differs. A year that is not 0 becomes each school_year of the copy.
func Clone(path string, src []byte, old, name string, year int) ([]byte, error) {
	l, err := layOut(path, src)
	if err != nil {
		return nil, err
	}
	at := slices.Index(l.names, old)
	if at < 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "Name one of "+strings.Join(l.names, ", ")+".",
			"%s has no tenant %q%s", path, old, diag.DidYouMean(old, l.names))
	}
	begin, end := l.block(at)
	block := slices.Clone(l.lines[begin:end])
	before, after, found := strings.Cut(block[0], old+":")
	if !found || strings.TrimSpace(before) != "" {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "Write the name without quotes.", "line %d of %s cannot be copied", begin+1, path)
	}
	block[0] = before + name + ":" + after
	if year > 0 {
		for i := range block {
			block[i] = schoolYear.ReplaceAllString(block[i], "${1}"+strconv.Itoa(year))
		}
	}
	return l.insert(name, end, block)
}

// Add is the text of sluice.yaml with one more tenant after the last one. Its lines are given as they stand
// below `tenants:` where names stand two blanks further in.
func Add(path string, src []byte, name, lines string) ([]byte, error) {
	l, err := layOut(path, src)
	if err != nil {
		return nil, err
	}
	last := len(l.names) - 1
	_, end := l.block(last)
	indent := strings.Repeat(" ", l.tenants.Pairs[last].Key.Pos.Col-1)
	var block []string
	for line := range strings.Lines(lines) {
		block = append(block, indent+strings.TrimPrefix(strings.TrimRight(line, "\n"), "  ")+l.newline)
	}
	return l.insert(name, end, block)
}

// layout is a sluice.yaml as its lines, with the places of its tenants.
type layout struct {
	path    string
	root    *strictyaml.Node
	tenants *strictyaml.Node
	names   []string
	lines   []string // each with its end
	newline string
}

func layOut(path string, src []byte) (*layout, error) {
	l := &layout{path: path, newline: "\n"}
	l.root, _ = strictyaml.ParseAs(diag.ConfigKey, path, src)
	if l.root != nil {
		l.tenants, _ = l.root.Get("tenants")
	}
	if l.tenants == nil || l.tenants.Flow || len(l.tenants.Pairs) == 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "Write `tenants:` on a line of its own and each tenant on the lines below it.",
			"the tenants of %s are not written on lines of their own", path)
	}
	for _, p := range l.tenants.Pairs {
		l.names = append(l.names, p.Key.Value)
	}
	text := string(src)
	if strings.Contains(text, "\r\n") {
		l.newline = "\r\n"
	}
	if !strings.HasSuffix(text, "\n") {
		text += l.newline
	}
	l.lines = slices.Collect(strings.Lines(text))
	return l, nil
}

// block is where the lines of a tenant begin and end.
func (l *layout) block(at int) (begin, end int) {
	key := l.tenants.Pairs[at].Key
	begin, end = key.Pos.Line-1, len(l.lines)
	for _, p := range slices.Concat(l.tenants.Pairs, l.root.Pairs) {
		if next := p.Key.Pos.Line - 1; next > begin {
			end = min(end, next)
		}
	}
	for end > begin+1 && ofNext(l.lines[end-1], key.Pos.Col) {
		end--
	}
	return begin, end
}

// insert puts the lines of a new tenant into the file, if it can be read then.
func (l *layout) insert(name string, at int, block []string) ([]byte, error) {
	switch {
	case !nameForm.MatchString(name) || name == "none":
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "Use a–z, 0–9 and -.", "%q cannot be the name of a tenant", name)
	case slices.Contains(l.names, name):
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "Choose another name.", "%s already has a tenant %q", l.path, name)
	}
	text := []byte(strings.Join(slices.Insert(l.lines, at, block...), ""))
	if _, problems := strictyaml.ParseAs(diag.ConfigKey, l.path, text); len(problems) > 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "Copy a tenant by hand.",
			"%s is written in a way to which no tenant can be added", l.path)
	}
	return text, nil
}

var schoolYear = regexp.MustCompile(`(\bschool_year["']?\s*:\s*["']?)\d{4}`)

// ofNext reports whether a line at the end of a tenant belongs to what follows it: a blank one, or a
// comment that does not stand further in than the tenant's name.
func ofNext(line string, column int) bool {
	text := strings.TrimSpace(line)
	return text == "" || text[0] == '#' && indent(line) < column
}

// indent counts the blanks that a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
