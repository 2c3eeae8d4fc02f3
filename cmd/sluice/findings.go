package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/fixture"
	"github.com/sluice-edfi/sluice/pkg/report"
	"github.com/sluice-edfi/sluice/pkg/runs"
)

// The formats of what a command says on stdout.
const (
	formatText  = "text"
	formatJSON  = "json"
	formatSARIF = "sarif"
	formatJUnit = "junit"
)

var formats = []string{formatText, formatJSON, formatSARIF, formatJUnit}

// addFormat gives a command that finds things the choice of how stdout has them.
func addFormat(cmd *cobra.Command) {
	cmd.Flags().String("format", "", "what stdout has, and nothing else: `FORMAT` text, json (as --json), sarif or junit")
	completes(cmd, "format", words(formats...))
}

// chooseFormat makes --json and --format one setting.
func (a *app) chooseFormat() error {
	switch {
	case a.Format != "" && !slices.Contains(formats, a.Format):
		given := a.Format
		a.Format = ""
		return usage("Use text, json, sarif or junit.", "--format %q is not known%s", given, diag.DidYouMean(given, formats))
	case a.JSON && a.Format != "" && a.Format != formatJSON:
		given := a.Format
		a.Format = ""
		return usage("Leave out one of them.", "--json and --format %s do not go together", given)
	}
	a.JSON = a.JSON || a.Format == formatJSON
	a.Quiet = a.Quiet || a.toPrograms()
	return nil
}

// formatIn is the format that a command line asks for which was not read to its end.
func formatIn(args []string) string {
	for i, word := range args {
		for _, format := range formats {
			if word == "--format="+format || word == "--format" && i+1 < len(args) && args[i+1] == format {
				return format
			}
		}
	}
	return ""
}

// toPrograms reports whether stdout is for a program that reads findings.
func (a *app) toPrograms() bool { return a.Format == formatSARIF || a.Format == formatJUnit }

// printFindings writes findings to stdout, for programs alone; stopped is what ended the command, or nil.
func (a *app) printFindings(suites []report.Suite, stopped *diag.Error) error {
	if !a.toPrograms() {
		return nil
	}
	folder, _ := os.Getwd() // not known: paths stay as they are
	f := &report.Findings{Version: version, Command: "sluice", Strict: a.Strict, Folder: folder, Stopped: stopped, Suites: suites}
	if cmd, _, err := a.root.Find(a.line); err == nil {
		f.Command = cmd.CommandPath()
	}
	write := f.SARIF
	if a.Format == formatJUnit {
		write = f.JUnit
	}
	text, err := write()
	if err != nil {
		return err
	}
	_, err = a.screen.out.Write(text)
	return err
}

// printJudged writes what validate found in a run.
func (a *app) printJudged(r *runs.Run, stopped *diag.Error) error {
	if !a.toPrograms() {
		return nil
	}
	rep, err := report.Build(r)
	if err != nil {
		return err
	}
	return a.printFindings(rep.Judged(r), stopped)
}

// byFile are problems of files that people write, a suite for each file.
func byFile(problems diag.List) (all []report.Suite) {
	for _, p := range problems {
		name := p.File
		if name == "" {
			name = "sluice"
		}
		i := slices.IndexFunc(all, func(s report.Suite) bool { return s.Name == name })
		if i < 0 {
			i, all = len(all), append(all, report.Suite{Name: name, Passed: "the file was read"})
		}
		all[i].Found = append(all[i].Found, report.FindingOf(p))
	}
	return all
}

// byFixture are what became of fixtures.
func byFixture(results []fixture.Result) (all []report.Suite) {
	for _, r := range results {
		s := report.Suite{Name: r.Case, Passed: "the fixture ran"}
		for _, p := range r.Problems {
			s.Found = append(s.Found, report.FindingOf(p))
		}
		if r.Diff != "" {
			s.Found = append(s.Found, report.FindingOf(diag.Problem{Code: diag.BundleFixture, Level: diag.LevelError,
				Message: "what the fixture gives is not what is expected:\n" + r.Diff}))
		}
		all = append(all, s)
	}
	return all
}
