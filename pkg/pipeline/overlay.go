package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/mapping"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// overlay is the tenant's tables for a bundle. Where there are none yet it still says where they
// would lie, because unmapped.csv names the file to put a row into.
func overlay(t *tenant.Tenant, name string) (*mapping.Overlay, error) {
	if t.Tables == "" {
		return &mapping.Overlay{Path: filepath.Join("tenants", t.Name, name)}, nil
	}
	folder := filepath.Join(t.Tables, name)
	info, err := os.Stat(folder)
	if os.IsNotExist(err) {
		return &mapping.Overlay{Path: folder}, nil
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: folder, Err: errors.New("it is not a folder")}
	}
	if err != nil {
		return nil, unreadableTables(err)
	}
	return &mapping.Overlay{FS: bundle.Folder(folder), Path: folder}, nil
}

func unreadableTables(err error) error {
	return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the folder's permissions.", "the tenant's tables cannot be read")
}

// strayTables refuses tables of the tenant that no bundle would read: a mapping that is thought to apply and does not
// changes records in silence. A folder may be for a bundle that lies elsewhere, so one that is only unknown is named.
func (x *Execution) strayTables(name string) error {
	if x.tenant == nil || x.tenant.Tables == "" {
		return nil
	}
	folder := x.tenant.Tables
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadableTables(err)
	}
	known, err := x.place.Library().Names()
	if err != nil {
		return err
	}
	var stray diag.List
	for _, e := range entries {
		entry, at := e.Name(), diag.Pos{File: filepath.Join(folder, e.Name())}
		base, _, _ := strings.Cut(entry, "@")
		switch {
		case strings.HasPrefix(entry, "."):
		case !e.IsDir() && isTable(entry):
			stray = append(stray, diag.At(at, diag.BundleOverlay, "Move it into "+filepath.Join(folder, name)+".",
				"the table is not in the folder of a bundle, so it would not be used"))
		case !e.IsDir() || entry == name || !holdsTables(at.File):
		case strings.EqualFold(base, name):
			stray = append(stray, diag.At(at, diag.BundleOverlay, "Rename it to "+filepath.Join(folder, name)+".",
				"the folder does not have the name of the bundle, so its tables would not be used"))
		case !slices.Contains(known, entry):
			x.place.Observer.note("no bundle here is called %s: the tables in %s are not used%s",
				entry, x.place.Observer.path(at.File), diag.DidYouMean(entry, append(known, name)))
		}
	}
	if len(stray) == 0 {
		return nil
	}
	return bundle.Unusable(name, stray, "")
}

func isTable(name string) bool { return strings.EqualFold(filepath.Ext(name), ".csv") }

// holdsTables reports whether a folder has tables; of one that cannot be read it is not known.
func holdsTables(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isTable(e.Name()) })
}
