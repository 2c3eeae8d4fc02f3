package transform

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/sluice-edfi/sluice/pkg/diag"
)

// spools are the copies of inputs that can be read once only, while a transform reads twice.
type spools struct {
	paths []string
}

// isPipe reports whether a path is no file that can be read twice: a named pipe, or what a shell
// makes of <(zcat f.gz).
func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// add copies standard input or a pipe into the run directory, for its owner only. It returns when
// the context ends, whether the other side of the pipe moves or not.
func (s *spools) add(ctx context.Context, o *RunOptions, path string) (string, error) {
	folder := ""
	if o.Run != nil {
		folder = o.Run.Path
	}
	f, err := os.CreateTemp(folder, "input-*.part")
	if err != nil {
		return "", unwritable(err)
	}
	s.paths = append(s.paths, f.Name())
	var in io.Reader
	if path == "-" {
		in = o.Stdin
	}
	copied := make(chan error, 1)
	go func() { copied <- drain(f, in, path) }() // opening a pipe, and reading one, wait for its other side
	select {
	case err = <-copied:
	case <-ctx.Done(): // the copy ends with the process, or with its next block: the file is closed
		err = diag.FailWith(context.Cause(ctx), diag.CouldNotRun, diag.MachineInterrupt, "", "interrupted while the input %s was read", path)
	}
	return f.Name(), errors.Join(err, f.Close())
}

// drain copies in, or what path names, into f.
func drain(f *os.File, in io.Reader, path string) error {
	if in == nil {
		if path == "-" {
			return nil // no standard input is an empty one
		}
		pipe, err := os.Open(path)
		if err != nil {
			return diag.FailWith(err, diag.Usage, diag.ConfigFile, "check the path and its rights", "the input cannot be read")
		}
		defer pipe.Close() //nolint:errcheck // read only
		in = pipe
	}
	if _, err := io.Copy(writeOnly{f}, in); err != nil {
		return unwritable(err)
	}
	return nil
}

// writeOnly hides that a file can read from another by itself, which could not be interrupted.
type writeOnly struct{ io.Writer }

// remove removes the copies.
func (s *spools) remove() error {
	var err error
	for _, path := range s.paths {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
