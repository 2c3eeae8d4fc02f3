// Package durable owns the promise that a file is complete or absent: it is written under another
// name in the same folder, one that ends in .part, synced, and renamed. Files are for their owner only
// (0600, folders 0700), because they may hold student data. It also owns the lock that keeps two
// commands from working in one folder at a time, and tells how much room a disk has left.
//
// It defines what that means on Linux, macOS and Windows: on Windows rename replaces an existing
// file, folders cannot be synced, and rights follow the folder's access list.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Rights of files and folders.
const (
	FileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// Unfinished ends the name of a file that has not been committed. Such a file is left over when a
// process is killed.
const Unfinished = ".part"

// File is a file that appears under its name only when it is committed.
type File struct {
	*os.File
	path string
	done bool
}

// Create opens a new file that Commit will name path. Its folder must exist. Until then the file has a
// fresh name, so that nobody can have put another file or a link in its place.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+Unfinished) // for its owner only
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

// Commit syncs the file and gives it its name.
func (f *File) Commit() error {
	if f.done {
		return fmt.Errorf("commit %s: %w", f.path, os.ErrClosed)
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	f.done = true
	if err := f.File.Close(); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(f.path))
}

// Close discards a file that was not committed; after Commit it does nothing.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.File.Close(), os.Remove(f.Name()))
}

// WriteWith lets write fill the file at path: the file holds all of it, or is not there.
func WriteWith(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Commit()
}

// WriteFile writes the parts to path, one after the other: all of them, or nothing.
func WriteFile(path string, parts ...[]byte) error {
	return WriteWith(path, func(w io.Writer) error {
		for _, data := range parts {
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep removes from a folder the unfinished files of killed processes; nobody may be writing there. A
// folder that does not exist, or is a link, is left alone.
func Sweep(folder string) error {
	if info, err := os.Lstat(folder); err != nil || !info.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), Unfinished) && !e.IsDir() {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	return err
}

// MkdirAll makes a folder and its parents, for the owner only.
func MkdirAll(path string) error { return os.MkdirAll(path, folderMode) }

// syncFolder makes renames in a folder survive a power cut, where the system allows it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, os.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems cannot sync folders
	}
	return errors.Join(err, d.Close())
}
