// Package source owns where the inputs of a transform come from: files, patterns, pipes and standard
// input. Whatever was given, it ends in a file on disk that can be read as often as needed. What
// stands in a file is package table's business.
//
//	NAME=FILE ─► Find ─► Input ─► Fetch ─► Local
//	             patterns expanded,    pipes copied into
//	             no pipe opened        a folder of the run
package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sluice-edfi/sluice/pkg/bundle"
	"github.com/sluice-edfi/sluice/pkg/diag"
	"github.com/sluice-edfi/sluice/pkg/table"
)

// Stdin is the path of standard input.
const Stdin = "-"

// Input is an input of a bundle with the paths that were given for it.
type Input struct {
	Name  string
	Paths []string // files, pipes, or Stdin
}

// ErrNoFiles is in the error of Find if patterns were given, and nothing else, and no file matches any.
var ErrNoFiles = errors.New("no file matches")

// Find finds the files of each input, in the order of the bundle, and refuses what cannot be read before
// anything is written. What is given is NAME=FILE, where FILE may be a pattern, a pipe or standard
// input. Pipes are not opened.
func Find(b *bundle.Bundle, given []string) ([]Input, error) {
	var known []string
	inputs := make([]Input, len(b.Inputs))
	for i, in := range b.Inputs {
		known = append(known, in.Name.Value)
		inputs[i].Name = in.Name.Value
	}
	stdin := false
	var empty []string // patterns without a file
	for _, s := range given {
		name, file, ok := strings.Cut(s, "=")
		if !ok || name == "" || file == "" {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, fmt.Sprintf("Write --input %s=FILE.", known[0]), "--input %q has no name and file", s)
		}
		at := slices.Index(known, name)
		if at < 0 {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, fmt.Sprintf("Inputs of %s: %s.", b.Name, strings.Join(known, ", ")),
				"bundle %s has no input %q%s", b.Name, name, diag.DidYouMean(name, known))
		}
		in := &inputs[at]
		if file == Stdin || file == "/dev/stdin" { // which is not reopened: it may be a pipe
			if stdin {
				return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Give one of them as a file.", "standard input is given twice")
			}
			stdin = true
			in.Paths = append(in.Paths, Stdin)
			continue
		}
		paths, err := Expand(file)
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			empty = append(empty, file)
		}
		for _, path := range paths {
			if slices.Contains(in.Paths, path) {
				return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Give it once.", "%s is given twice for input %s", path, name)
			}
			in.Paths = append(in.Paths, path)
		}
	}
	if len(empty) > 0 {
		if slices.ContainsFunc(inputs, func(in Input) bool { return len(in.Paths) > 0 }) {
			return nil, diag.Fail(diag.Usage, diag.ConfigFile, "Check the pattern.", "no file matches %s", strings.Join(empty, ", "))
		}
		return nil, diag.FailWith(ErrNoFiles, diag.Usage, diag.ConfigFile, "Check the pattern; where that is normal, add --allow-empty.",
			"%s", strings.Join(empty, ", "))
	}
	for i, in := range b.Inputs {
		if !in.Optional && len(inputs[i].Paths) == 0 {
			return nil, diag.Fail(diag.Usage, diag.ConfigInput, "Add --input "+in.Name.Value+"=FILE.", "input %s of bundle %s is not given", in.Name.Value, b.Name)
		}
	}
	return inputs, nil
}

// Expand finds the files that a path or a pattern names; there may be none of a pattern.
func Expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return []string{path}, nil // to open it here would take what it has to give, or wait for it
	case err != nil && strings.ContainsAny(path, "*?[{"):
		return match(path)
	}
	if _, err := table.Stat(path, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the file's permissions.", "%s cannot be read", path)
	}
	return []string{path}, f.Close()
}

// match finds the regular files that fit a pattern; there may be none.
func match(pattern string) ([]string, error) {
	found, err := doublestar.FilepathGlob(pattern, doublestar.WithFilesOnly())
	if err != nil {
		return nil, diag.FailWith(err, diag.Usage, diag.ConfigFile, "Correct the pattern.", "%s is not a pattern", pattern)
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && !info.Mode().IsRegular()
	})
	return found, nil
}

// CheckOutside refuses to replace a run directory that holds an input: the reject files of a run are
// to be corrected and run again, but as a new run.
func CheckOutside(run string, inputs []Input) error {
	for _, in := range inputs {
		for _, path := range in.Paths {
			abs, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			if rel, err := filepath.Rel(run, abs); path != Stdin && err == nil && filepath.IsLocal(rel) {
				return diag.Fail(diag.Usage, diag.ConfigRun, "Name another run directory.", "%s lies in the run directory that would be replaced", path)
			}
		}
	}
	return nil
}
