package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/bundles"
	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/jsonl"
	"github.com/sluice-edfi/sluice/pkg/schema"
	"github.com/sluice-edfi/sluice/schemas"
)

// version is the released version; a build from a clone says which commit it is of.
const version = "0.1.0"

func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	return rev + dirty
}

// toolName is how run.json names this program.
func toolName() string {
	if c := commit(); c != "" {
		return "sluice " + version + " (" + c + ")"
	}
	return "sluice " + version
}

// versionText is what `sluice version` prints.
func versionText() string {
	return fmt.Sprintf("%s\nbundles: %s\ndata standards: %s\n%s %s/%s", toolName(), strings.Join(embeddedBundles(), ", "),
		strings.Join(schema.Versions(schemas.FS), ", "), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// embeddedBundles are the bundles in this binary, with their versions.
func embeddedBundles() []string {
	all, _ := bundle.Library{Embedded: bundles.FS}.List() // of an embedded file system: cannot fail
	var names []string
	for _, b := range all {
		names = append(names, b.Name+" "+b.Version)
	}
	return names
}

func versionObject() map[string]any {
	return map[string]any{"version": version, "commit": commit(), "bundles": embeddedBundles(), "dataStandards": schema.Versions(schemas.FS),
		"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
}

// versionJSON is what `sluice version --json` prints.
func versionJSON() string {
	text, _ := jsonl.Indented(versionObject()) // texts alone
	return string(text)
}

func (a *app) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Which sluice this is, and the bundles and data standards in it",
		Example: "  sluice version\n  sluice version --json",
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			a.screen.say("%s", versionText())
			return a.screen.result(versionObject())
		},
	}
}
