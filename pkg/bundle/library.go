package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// wantedForm is a version or its beginning: 1 means any 1.x.y.
var wantedForm = regexp.MustCompile(`^\d+(\.\d+){0,2}$`)

// Embedded is the Origin of a bundle in the binary.
const Embedded = "embedded"

// Library is where bundles are looked up: own folders first, then the embedded ones.
type Library struct {
	Folders  []string // each holds bundles as sub-folders
	Embedded fs.FS    // likewise; nil: none
}

// Listed is a bundle of the library.
type Listed struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Family   string `json:"family"`
	Origin   string `json:"origin"`
	Problems int    `json:"problems"`
}

// Open loads a bundle: a path to a folder if ref holds a separator, else name[@version]. The error
// says that there is no such bundle; what is wrong with one that is there is in the list.
func (l Library) Open(ref string) (*Bundle, diag.List, error) {
	if strings.ContainsAny(ref, `/\`) {
		return openFolder(ref)
	}
	name, wanted, versioned := strings.Cut(ref, "@")
	if versioned && !wantedForm.MatchString(wanted) {
		return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, "Write it as "+name+"@1, "+name+"@1.2 or "+name+"@1.2.3.", "%q is not a version", wanted)
	}
	candidates, err := l.candidates()
	if err != nil {
		return nil, nil, err
	}
	var others, names []string
	for _, c := range candidates {
		names = append(names, c.name)
		if c.name != name {
			continue
		}
		b, problems, err := c.load()
		if err != nil {
			return nil, nil, err
		}
		if b != nil && b.Name != name {
			problems = append(problems, diag.At(diag.Pos{File: path.Join(b.Path, File)}, diag.BundleName, "Rename the folder or the bundle.",
				"the bundle in folder %s is called %q", name, b.Name))
		}
		if versioned && b != nil && !strings.HasPrefix(b.Version+".", wanted+".") {
			others = append(others, b.Version)
			continue
		}
		return b, problems, nil
	}
	if len(others) > 0 {
		return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, "Use one of the versions there are.", "bundle %s has no version %s; there is %s", name, wanted, strings.Join(others, ", "))
	}
	next := "The bundles there are: " + strings.Join(names, ", ") + ". A path to a folder must hold a separator."
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		next = "Write ./" + name + " if the folder here is meant."
	} else if err == nil {
		return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, "Run `"+diag.ShellCommand("inspect", name)+"` to see which bundle reads it.",
			"%s is a file, not a bundle", name)
	}
	return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, next, "there is no bundle %q%s", name, diag.DidYouMean(name, names))
}

// List loads every bundle of the library, sorted by name; a name that stands in an own folder hides
// the embedded one.
func (l Library) List() ([]Listed, error) {
	candidates, err := l.candidates()
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, c := range candidates {
		if slices.ContainsFunc(all, func(o Listed) bool { return o.Name == c.name }) {
			continue
		}
		b, problems, err := c.load()
		if err != nil {
			return nil, err
		}
		listed := Listed{Name: c.name, Origin: c.origin, Problems: len(problems)}
		if b != nil {
			listed.Version, listed.Family = b.Version, b.Family
		}
		all = append(all, listed)
	}
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// candidate is a folder that holds a bundle.
type candidate struct {
	name, origin string
	load         func() (*Bundle, diag.List, error)
}

// Names is the names of the folders that hold a bundle; one that hides another is there twice.
func (l Library) Names() ([]string, error) {
	all, err := l.candidates()
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	return names, err
}

func (l Library) candidates() ([]candidate, error) {
	var all []candidate
	for _, folder := range l.Folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Correct `bundles` in sluice.yaml.", "a folder of bundles cannot be read")
		}
		for _, e := range entries {
			sub := filepath.Join(folder, e.Name())
			if _, err := os.Stat(filepath.Join(sub, File)); err == nil {
				all = append(all, candidate{e.Name(), sub, func() (*Bundle, diag.List, error) { return openFolder(sub) }})
			}
		}
	}
	if l.Embedded == nil {
		return all, nil
	}
	entries, err := fs.ReadDir(l.Embedded, ".")
	if err != nil {
		return nil, fmt.Errorf("list the embedded bundles: %w", err)
	}
	for _, e := range entries {
		if _, err := fs.Stat(l.Embedded, path.Join(e.Name(), File)); err == nil {
			all = append(all, candidate{e.Name(), Embedded, func() (*Bundle, diag.List, error) {
				sub, err := fs.Sub(l.Embedded, e.Name())
				if err != nil {
					return nil, nil, fmt.Errorf("open the embedded bundle %s: %w", e.Name(), err)
				}
				b, problems := Load(sub, e.Name(), Embedded)
				return b, problems, nil
			}})
		}
	}
	return all, nil
}

// openFolder loads a bundle from disk.
func openFolder(folder string) (*Bundle, diag.List, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("find the folder %s: %w", folder, err)
	}
	next := "Name the folder that holds " + File + "."
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, next, "there is no folder %s", folder)
	case err != nil:
		return nil, nil, diag.FailWith(err, diag.Usage, diag.BundleNotFound, next, "the bundle's folder cannot be opened")
	case !info.IsDir():
		return nil, nil, diag.Fail(diag.Usage, diag.BundleNotFound, next, "%s is not a folder", folder)
	}
	b, problems := Load(Folder(abs), filepath.ToSlash(folder), abs)
	return b, problems, nil
}

// Folder is a folder on disk that no path and no link leads out of, and of which only regular files
// can be opened: a pipe would keep a reader waiting for ever. The root is opened for each file, so
// that nothing has to be closed when the bundle is done with.
type Folder string

// errNotRegular is the error for what is neither a file nor a folder.
var errNotRegular = errors.New("it is not a regular file")

// Open opens a file of the folder, or a folder in it.
func (c Folder) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(c))
	if err != nil {
		return nil, fmt.Errorf("open the bundle's folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // files opened through it stay open
	if info, err := fs.Stat(root.FS(), name); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	f, err := root.FS().Open(name)
	if err != nil {
		return nil, fmt.Errorf("in the bundle's folder: %w", err)
	}
	return f, nil
}
