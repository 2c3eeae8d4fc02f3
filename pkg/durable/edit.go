package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Edit replaces a file that people write by what change makes of its content, nil for a file that is not there
// yet. Commands that edit it at the same time do so one after the other, so that none undoes another's work. A
// link to the file stays one, and the file keeps its rights and its owner; a new one is for its owner only.
func Edit(ctx context.Context, path string, change func(before []byte) (after []byte, err error)) (err error) {
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return &fs.PathError{Op: "edit", Path: path, Err: errors.New("it is a link to a file that is not there")}
		}
		file, err = path, nil
	}
	if err != nil {
		return err
	}
	lock, err := lockBeside(ctx, file)
	if err != nil {
		return err
	}
	defer func() {
		_ = os.Remove(lock.Path()) // while it is held; Windows keeps it, which does no harm
		err = errors.Join(err, lock.Close())
	}()
	before, info, err := readForEdit(file)
	if err != nil {
		return err
	}
	after, err := change(before)
	if err != nil {
		return err
	}
	f, err := Create(file)
	if err != nil {
		return err
	}
	if _, err = f.Write(after); err == nil && info != nil {
		if err = keepOwner(f.Name(), info); err == nil { // before the rights, which a change of owner may take away
			err = f.Chmod(info.Mode().Perm())
		}
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Commit()
}

// readForEdit reads a file and what it is; both are nil if it is not there.
func readForEdit(file string) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, &fs.PathError{Op: "edit", Path: file, Err: errors.New("it is not a regular file")}
	}
	text, err := os.ReadFile(file)
	return text, info, err
}

// editTime is how long another command's edit is waited for.
const editTime = 10 * time.Second

// lockBeside takes a lock in a file beside the one that is edited. Whoever holds it removes that file, so
// a lock counts only if its file is still the one that has the name.
func lockBeside(ctx context.Context, file string) (*flock.Flock, error) {
	name := file + ".lock"
	ctx, cancel := context.WithTimeout(ctx, editTime)
	defer cancel()
	for {
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() { // opening a pipe would block
			return nil, &fs.PathError{Op: "lock", Path: name, Err: errors.New("it is not a regular file")}
		}
		lock := flock.New(name, flock.SetPermissions(FileMode))
		if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
			_ = lock.Close()
			if ctx.Err() != nil {
				err = fmt.Errorf("another command is editing it (%s): %w", name, err)
			}
			return nil, err
		}
		ours, err := lock.Stat()
		there, gone := os.Lstat(name)
		if err == nil && gone == nil && os.SameFile(ours, there) {
			return lock, nil
		}
		if err := errors.Join(err, lock.Close()); err != nil {
			return nil, err
		}
	}
}
