package runs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
)

// elsewhere lists runs that --run put outside of root.
const elsewhere = "elsewhere.txt"

// Remember notes a run outside of root, so that List finds it.
func Remember(root, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) && strings.Count(filepath.ToSlash(rel), "/") == 1 {
		return nil
	}
	known, err := readElsewhere(root)
	if err != nil || slices.Contains(known, path) {
		return err
	}
	if err := durable.MkdirAll(root); err != nil {
		return err
	}
	// Others may note theirs at the same time: a line is appended in one write, nothing is rewritten.
	f, err := os.OpenFile(filepath.Join(root, elsewhere), os.O_CREATE|os.O_APPEND|os.O_WRONLY, durable.FileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(path + "\n")
	return errors.Join(err, f.Close())
}

func readElsewhere(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, elsewhere))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	paths := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	slices.Sort(paths)
	return slices.Compact(paths), err // two commands may have noted the same one at the same time
}

// List finds the runs under root, and those it remembers elsewhere, oldest first. tenant may be
// empty: all. What cannot be read is left out.
func List(root, tenant string) ([]*Run, error) {
	all, _, err := list(root, Open)
	return slices.DeleteFunc(all, func(r *Run) bool { return tenant != "" && r.Tenant != tenant }), err
}

// ListAll is List for all tenants, with the folders of runs whose manifest cannot be read. Of the runs it
// reads nothing else, so they are for telling what is there, not for working on.
func ListAll(root string) (all []*Run, unreadable []string, err error) {
	return list(root, readManifest)
}

func list(root string, open func(path string) (*Run, error)) (all []*Run, unreadable []string, err error) {
	paths, err := filepath.Glob(filepath.Join(root, "*", "*", manifestFile))
	if err != nil {
		return nil, nil, err
	}
	for i, p := range paths {
		paths[i] = filepath.Dir(p)
	}
	known, err := readElsewhere(root)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range append(paths, known...) {
		r, err := open(p)
		if err == nil {
			all = append(all, r)
		} else if _, gone := os.Lstat(filepath.Join(p, manifestFile)); gone == nil {
			unreadable = append(unreadable, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *Run) int { return a.Created.Compare(b.Created) })
	return all, unreadable, nil
}

// Latest names the newest run wherever a run is named.
const Latest = "latest"

// ownName is a name that NewPath gives. Of names that people give only the whole one counts: r1 must never
// stand for r10.
var ownName = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-`)

// Named reports whether a name is one that NewPath gives, of which the beginning is enough.
func Named(name string) bool { return ownName.MatchString(name) }

// Find is the run that a person means: its folder, Latest, or the beginning of a name that NewPath gave to
// no other run. tenant may be empty: the runs of all.
func Find(root, tenant, name string) (*Run, error) {
	r, opened := Open(name)
	if opened == nil {
		return r, nil
	}
	if _, err := os.Lstat(name); err == nil {
		return nil, opened
	}
	all, err := List(root, tenant)
	if err != nil {
		return nil, err
	}
	if name == Latest && len(all) > 0 {
		return all[len(all)-1], nil
	}
	if name == "" { // a variable that is not set: every name begins so
		return nil, diag.Fail(diag.Usage, diag.ConfigRun, "Name its folder, `latest`, or the beginning of its name.", "the name of the run is empty")
	}
	var fit, known []string
	for _, r := range all {
		base := filepath.Base(r.Path)
		if known = append(known, base); Named(base) && strings.HasPrefix(base, name) {
			fit = append(fit, r.Path)
		}
	}
	if len(fit) == 1 {
		return Open(fit[0])
	}
	if len(fit) > 1 {
		return nil, diag.Fail(diag.Usage, diag.ConfigRun, "Write more of the name: "+strings.Join(newest(fit), ", ")+".",
			"%q is the beginning of several runs", name)
	}
	next := "There are no runs yet; `sluice transform` makes one."
	if tenant != "" {
		next = "Tenant " + tenant + " has no runs yet; `sluice transform` with --tenant makes one."
	}
	if len(known) > 0 {
		next = "The latest runs: " + strings.Join(newest(known), ", ") + "."
	}
	return nil, diag.Fail(diag.Usage, diag.ConfigRun, next, "there is no run %q%s", name, diag.DidYouMean(name, known))
}

// newest are the last few names of a list that is in order of time, newest first.
func newest(names []string) []string {
	names = slices.Clone(names[max(0, len(names)-3):])
	slices.Reverse(names)
	return names
}
