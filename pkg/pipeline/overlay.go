package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/lookup"
	"github.com/sluice-edfi/sluice/pkg/tenant"
)

// overlay is the tenant's tables for a bundle. Where there are none yet it still says where they
// would lie, because unmapped.csv names the file to put a row into.
func (w *Workplace) overlay(t *tenant.Tenant, name string) (*lookup.Overlay, error) {
	folder := filepath.Join(t.Tables, name)
	if t.Tables == "" {
		folder = filepath.Join(w.Config.Folder, TablesOf(t.Name), name)
	}
	shown := filepath.ToSlash(w.Observer.path(folder))
	info, err := os.Stat(folder)
	if t.Tables == "" || os.IsNotExist(err) {
		return &lookup.Overlay{Path: shown}, w.tablesFolder(t)
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: folder, Err: errors.New("it is not a folder")}
	}
	if err != nil {
		return nil, unreadableTables(err)
	}
	return &lookup.Overlay{FS: bundle.Folder(folder), Path: shown}, nil
}

// TablesOf is the folder of tables that a tenant is advised to have, beside sluice.yaml.
func TablesOf(tenant string) string { return "tenants/" + tenant + "/" }

// tablesFolder makes sure that the tenant's folder of tables is there if it names one: tables that are thought to
// apply and do not change records in silence.
func (w *Workplace) tablesFolder(t *tenant.Tenant) error {
	if t.Tables == "" {
		return nil
	}
	_, err := os.Stat(t.Tables)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	folder, at := w.Observer.path(t.Tables), w.Config.Written(t, "tables")
	return diag.Fail(diag.Usage, diag.ConfigFile, "Make it with `mkdir -p "+diag.ShellWord(folder)+"`, or remove `tables` from the tenant.",
		"%s: the tenant's tables should be in %s, and there is no such folder", at.Rule(), folder)
}

func unreadableTables(err error) error {
	return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the folder's permissions.", "the tenant's tables cannot be read")
}
