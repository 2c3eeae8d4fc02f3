package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
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
		ValidArgsFunction: a.completeBundles,
		RunE:              func(_ *cobra.Command, args []string) error { return a.runBundleCopy(args[0], args[1]) },
	}
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
	place, err := a.workplace()
	if err != nil {
		return err
	}
	b, err := place.Bundle(ref)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		return diag.Fail(diag.Usage, diag.ConfigFile, "name a folder that does not exist yet", "%s already exists", folder)
	}
	parent := filepath.Dir(filepath.Clean(folder))
	if within(parent, b.Origin) {
		return diag.Fail(diag.Usage, diag.ConfigFile, "name a folder outside of it", "%s is in the bundle itself", folder)
	}
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
	if !filepath.IsAbs(shown) {
		shown = "." + string(filepath.Separator) + shown // a bundle's path holds a separator
	}
	a.screen.say("%s %s: %s", b.Name, b.Version, shown)
	a.screen.say("next: %s", a.command("bundle", "test", shown))
	return a.screen.result(map[string]string{"bundle": b.Name, "version": b.Version, "folder": folder})
}
