package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// command is a command of sluice that a person can paste into a shell: quoted, and with the global
// flags that were given. The tenant is for the caller to add: some commands need it, some do not.
func (a *app) command(words ...string) string {
	return diag.ShellCommand(slices.Concat(words, a.given)...)
}

// step is the next command: what it is for, and its words.
type step struct {
	why   string // may be empty
	words []string
}

// args is the step as programs take it; nil if there is none.
func (a *app) args(s *step) []string {
	if s == nil {
		return nil
	}
	return slices.Concat([]string{"sluice"}, s.words, a.given)
}

// givenFlags are the global flags that stand on the command line, but for the tenant.
func givenFlags(global *pflag.FlagSet) []string {
	var given []string
	global.VisitAll(func(f *pflag.Flag) {
		switch {
		case !f.Changed || f.Name == "tenant":
		case f.Value.String() == "true":
			given = append(given, "--"+f.Name)
		default:
			given = append(given, "--"+f.Name+"="+f.Value.String())
		}
	})
	return given
}

// shownPath is the path as a person would type it from here.
func shownPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || len(rel) >= len(path) || len(rel) > 2 && rel[:2] == ".." {
		return path
	}
	if strings.HasPrefix(rel, "-") {
		return "./" + rel // else a command would take it for a flag
	}
	return rel
}
