package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

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

func (a *app) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Which sluice this is, and which data standards it holds",
		Example: "  sluice version\n  sluice version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			known := schema.Versions(schemas.FS)
			a.screen.say("%s", toolName())
			a.screen.say("data standards: %v", known)
			a.screen.say("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return a.screen.result(map[string]any{"version": version, "commit": commit(), "dataStandards": known,
				"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
		},
	}
}
