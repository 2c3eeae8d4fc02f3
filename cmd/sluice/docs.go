package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/sluice-edfi/sluice/docs"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/pipeline"
)

func (a *app) newDocsShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show PAGE",
		Short:   "Print a page: first-bundle, bundle-format, changeover or rules",
		Example: "  sluice docs show first-bundle\n  sluice docs show bundle-format | less",
		Args:    exactArgs("PAGE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return docPages(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.runDocsShow(args[0]) },
	}
}

func (a *app) runDocsShow(page string) error {
	text, err := fs.ReadFile(docs.FS, page+".md")
	if err != nil {
		return usage("Name one of "+strings.Join(docPages(), ", ")+".", "there is no page %q%s", page, diag.DidYouMean(page, docPages()))
	}
	a.screen.say("%s", strings.TrimRight(string(text), "\n"))
	return a.screen.result(map[string]string{"page": page, "text": string(text)})
}

// docPages are the names of the pages in this binary.
func docPages() []string {
	files, _ := fs.Glob(docs.FS, "*.md") // the pattern is right
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".md")
	}
	return files
}

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
