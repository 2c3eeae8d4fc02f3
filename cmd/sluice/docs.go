package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/sluice-edfi/sluice/pkg/pipeline"
)

func (a *app) newDocsMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write a man page for each command",
		Example: "  sluice docs man ~/.local/share/man/man1",
		Args:    exactArgs("FOLDER"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.runDocsMan(args[0]) },
	}
}

func (a *app) runDocsMan(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return pipeline.DiskError(err)
	}
	a.root.DisableAutoGenTag = true // a date would make each build another file
	if err := doc.GenManTree(a.root, &doc.GenManHeader{Title: "SLUICE", Section: "1", Source: "sluice " + version, Manual: "sluice"}, folder); err != nil {
		return pipeline.DiskError(err)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "sluice*.1"))
	if err != nil {
		return err
	}
	a.screen.say("%s in %s", plural(len(pages), "page"), shownPath(folder))
	return a.screen.result(map[string]any{"folder": folder, "pages": len(pages)})
}
