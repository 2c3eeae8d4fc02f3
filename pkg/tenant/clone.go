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
	if !nameForm.MatchString(name) || name == "none" {
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "use a–z, 0–9 and -", "%q cannot be the name of a tenant", name)
	}
	root, _ := strictyaml.ParseAs(diag.ConfigKey, path, src)
	var tenants *strictyaml.Node
	if root != nil {
		tenants, _ = root.Get("tenants")
	}
	if tenants == nil || tenants.Flow {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "write each tenant on a line of its own", "%s has no tenants that can be copied", path)
	}
	var known []string
	for _, p := range tenants.Pairs {
		known = append(known, p.Key.Value)
	}
	at := slices.Index(known, old)
	if at < 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "tenants of "+path+": "+strings.Join(known, ", "), "%s has no tenant %q%s", path, old, diag.DidYouMean(old, known))
	}
	if slices.Contains(known, name) {
		return nil, diag.Fail(diag.Usage, diag.ConfigTenant, "choose another name", "%s already has a tenant %q", path, name)
	}
	lines := strings.SplitAfter(strings.TrimRight(string(src), "\n")+"\n", "\n")
	key := tenants.Pairs[at].Key
	begin, end := key.Pos.Line-1, len(lines)-1 // the last one is empty
	for _, p := range slices.Concat(tenants.Pairs, root.Pairs) {
		if next := p.Key.Pos.Line - 1; next > begin {
			end = min(end, next)
		}
	}
	for end > begin+1 && ofNext(lines[end-1], key.Pos.Col) {
		end--
	}
	block := slices.Clone(lines[begin:end])
	before, after, found := strings.Cut(block[0], old+":")
	if !found || strings.TrimSpace(before) != "" {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "write the name without quotes", "line %d of %s cannot be copied", key.Pos.Line, path)
	}
	block[0] = before + name + ":" + after
	if year > 0 {
		for i := range block {
			block[i] = schoolYear.ReplaceAllString(block[i], "${1}"+strconv.Itoa(year))
		}
	}
	text := []byte(strings.Join(slices.Insert(lines, end, block...), ""))
	if _, problems := strictyaml.ParseAs(diag.ConfigKey, path, text); len(problems) > 0 {
		return nil, diag.Fail(diag.Usage, diag.ConfigKey, "copy it by hand", "tenant %s of %s is written in a way that cannot be copied", old, path)
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
