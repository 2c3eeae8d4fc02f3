package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// Local is an input as a file that can be read as often as needed. Its digest is the table.Reader's:
// made while the rows are read, because a pass of its own over a large file costs time.
type Local struct {
	Name string // as it was given, "standard input" for that: what messages and the manifest say
	Path string // where it lies; of standard input or a pipe, the copy
	Size int64  // in bytes
}

// File is a file as it lies. What is wrong with it is said where it is opened.
func File(path string) Local {
	local := Local{Name: path, Path: path}
	if info, err := os.Stat(path); err == nil {
		local.Size = info.Size()
	}
	return local
}

// Fetch makes each path a local file, those of an input in the order of their base names, so that
// the order in which a shell or a user gave them does not matter. Standard input and pipes are copied
// into folder, for the owner only; remove removes the copies. If Fetch fails, it has removed them.
func Fetch(ctx context.Context, inputs []Input, folder string, stdin io.Reader) (files map[string][]Local, remove func() error, err error) {
	files = map[string][]Local{}
	var copies spool
	for _, in := range inputs {
		paths := slices.Clone(in.Paths)
		slices.SortStableFunc(paths, func(a, b string) int {
			return strings.Compare(filepath.Base(a)+"\x00"+a, filepath.Base(b)+"\x00"+b)
		})
		for _, path := range paths {
			local := File(path)
			if path == Stdin || isPipe(path) {
				copied, err := copies.add(ctx, folder, path, stdin)
				if err != nil {
					return nil, nil, errors.Join(err, copies.remove())
				}
				local = File(copied)
				if local.Name = path; path == Stdin {
					local.Name = "standard input"
				}
			}
			files[in.Name] = append(files[in.Name], local)
		}
	}
	return files, copies.remove, nil
}

// isPipe reports whether a path is a file that cannot be read twice: a named pipe, or what a shell
// makes of <(zcat f.gz).
func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// spool is the copies of what can be read only once, while a transform may read twice.
type spool struct {
	copies []string
}

// add copies standard input or a pipe. It returns when the context ends, whether the other side of
// the pipe moves or not.
func (s *spool) add(ctx context.Context, folder, path string, stdin io.Reader) (string, error) {
	f, err := os.CreateTemp(folder, "input-*.part")
	if err != nil {
		return "", unwritable(err)
	}
	s.copies = append(s.copies, f.Name())
	copied := make(chan error, 1)
	go func() { // opening a pipe, and reading one, wait for its other side
		copied <- drain(f, path, stdin)
	}()
	select {
	case err = <-copied:
	case <-ctx.Done(): // the copy ends with the process, or with its next block: the file is closed
		err = diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted while the input %s was read", path)
	}
	return f.Name(), errors.Join(err, f.Close())
}

// drain copies standard input or a pipe into f; no standard input is an empty one.
func drain(f *os.File, path string, in io.Reader) error {
	if path != Stdin {
		pipe, err := os.Open(path)
		if err != nil {
			return diag.FailWith(err, diag.Usage, diag.ConfigFile, "Check the path and its permissions.", "the input cannot be read")
		}
		defer pipe.Close() //nolint:errcheck // read only
		in = pipe
	}
	if in == nil {
		return nil
	}
	if _, err := io.Copy(writeOnly{f}, in); err != nil {
		return unwritable(err)
	}
	return nil
}

// writeOnly hides that a file can read from another by itself, which could not be interrupted.
type writeOnly struct{ io.Writer }

func (s *spool) remove() error {
	var err error
	for _, path := range s.copies {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

func unwritable(err error) error {
	return diag.FailWith(err, diag.CouldNotRun, diag.MachineDisk, "", "the copy of an input cannot be written")
}
