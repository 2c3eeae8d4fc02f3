package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/durable"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
)

func (a *app) newBundleCopy() *cobra.Command {
	return &cobra.Command{
		Use:   "copy BUNDLE FOLDER",
		Short: "Write a bundle into a new folder, to change it",
		Long: `Writes a bundle with its tables and fixtures into a folder that does not exist yet. Where only
words differ, tables of the tenant are the simpler way: see ` + "`sluice help bundles`" + `.`,
		Example:           "  sluice bundle copy nwea-map-growth ./bundles/nwea-map-growth",
		Args:              exactArgs("BUNDLE", "FOLDER"),
		ValidArgsFunction: first(a.completeBundles),
		RunE:              func(_ *cobra.Command, args []string) error { return a.runBundleCopy(args[0], args[1]) },
	}
}

// copyPlace refuses a folder that is there, or that lies where a bundle does not belong.
func copyPlace(folder, bundle string) error {
	refused := func(next, format string) error { return diag.Fail(diag.Usage, diag.ConfigFile, next, format, folder) }
	parent := filepath.Dir(folder)
	if _, err := os.Lstat(folder); err == nil {
		return refused("Name a folder that does not exist yet.", "%s already exists")
	}
	if within(parent, bundle) {
		return refused("Name a folder outside it.", "%s is in the bundle itself")
	}
	full, err := filepath.Abs(parent)
	for above := full; err == nil; above = filepath.Dir(above) {
		if ours(above) {
			return refused("Name a folder outside it.", "%s is in a run directory or in a folder of sluice's own state")
		}
		if above == filepath.Dir(above) {
			break
		}
	}
	return err
}

// ours reports whether a folder is one that sluice keeps for itself: a run, or the state of a tenant.
func ours(folder string) bool {
	_, lock := os.Stat(filepath.Join(folder, durable.LockFile))
	text, ignored := os.ReadFile(filepath.Join(folder, durable.GitIgnore))
	return lock == nil && ignored == nil && string(text) == "*\n"
}

// within reports whether a folder is that of a bundle, or below it.
func within(folder, bundle string) bool {
	there, err := os.Stat(bundle)
	if err != nil {
		return false // it is embedded
	}
	folder, err = filepath.Abs(folder)
	for err == nil {
		if here, err := os.Stat(folder); err == nil && os.SameFile(here, there) {
			return true
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	return false
}

func (a *app) runBundleCopy(ref, folder string) error {
	if folder == "" {
		return usage("See `sluice bundle copy --help`.", "FOLDER is empty")
	}
	place, err := a.workplace()
	if err != nil {
		return err
	}
	b, err := place.Bundle(ref)
	if err != nil {
		return err
	}
	folder = filepath.Clean(folder)
	if err := copyPlace(folder, b.Origin); err != nil {
		return err
	}
	parent := filepath.Dir(folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return pipeline.DiskError(err)
	}
	unfinished, err := os.MkdirTemp(parent, ".copy-*") // complete or absent
	if err != nil {
		return pipeline.DiskError(err)
	}
	defer os.RemoveAll(unfinished) //nolint:errcheck // after the rename it is gone
	files := filepath.Join(unfinished, "bundle")
	if err := os.CopyFS(files, b.FS); err != nil {
		return pipeline.DiskError(err)
	}
	if err := os.Rename(files, folder); err != nil {
		return pipeline.DiskError(err)
	}
	shown := shownPath(folder)
	if !strings.ContainsRune(shown, filepath.Separator) {
		shown = "." + string(filepath.Separator) + shown // a bundle's path holds a separator
	}
	a.screen.say("%s %s: %s", b.Name, b.Version, shown)
	next := &step{words: []string{"bundle", "test", shown}}
	a.sayNext(a.screen.say, next)
	return a.screen.result(map[string]any{"bundle": b.Name, "version": b.Version, "folder": folder, "next": a.args(next)})
}
