package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// The files of a lock in the folder that it is for. Who holds the lock is written beside it, because
// on Windows a locked file cannot be read.
const (
	LockFile   = "lock"
	HolderFile = "lock.holder"
	GitIgnore  = ".gitignore" // what is locked holds students' data: a repository around it must not take it up
)

// Holder says who holds a lock.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host,omitempty"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another command"
	}
	return fmt.Sprintf("%s (process %d on %s, since %s)", h.Command, h.PID, h.Host, h.Since.UTC().Format(time.RFC3339))
}

// LockedError says that another command is at work in the folder, and which.
type LockedError struct {
	Holder Holder // zero if it could not be read
}

func (e *LockedError) Error() string { return fmt.Sprintf("it is locked by %v", e.Holder) }

// Lock is the lock of a folder while it is held: the state of a tenant, a run, the store of a sandbox.
// The system releases it when the process ends, however it ends, so that there are no stale locks to
// remove by hand.
type Lock struct {
	file   *flock.Flock
	holder string
}

// LockFolder takes the lock of a folder for a command, or returns a LockedError. It makes the folder
// if need be, and has git ignore it.
func LockFolder(dir, command string, now time.Time) (*Lock, error) {
	if err := MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("make the folder to lock: %w", err)
	}
	for _, name := range []string{LockFile, HolderFile} { // opening a pipe would block, a link would lead elsewhere
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "lock", Path: filepath.Join(dir, name), Err: errors.New("it is not a regular file")}
		}
	}
	l := &Lock{file: flock.New(filepath.Join(dir, LockFile), flock.SetPermissions(FileMode)), holder: filepath.Join(dir, HolderFile)}
	ok, err := l.file.TryLock()
	for range 10 { // HeldBy holds the lock while it looks
		if ok || err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
		ok, err = l.file.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock the folder: %w", err)
	}
	if !ok {
		return nil, &LockedError{readHolder(l.holder)}
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Command: command, Since: now.UTC()})
	if err == nil {
		err = os.WriteFile(l.holder, text, FileMode)
	}
	if _, missing := os.Lstat(filepath.Join(dir, GitIgnore)); err == nil && missing != nil {
		err = os.WriteFile(filepath.Join(dir, GitIgnore), []byte("*\n"), FileMode)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder: %w", err), l.file.Close())
	}
	return l, nil
}

// HeldBy says who holds the lock of a folder; false: nobody does. It writes nothing, and who wants the lock in
// the moment of looking waits for it.
func HeldBy(dir string) (holder Holder, held bool, err error) {
	path := filepath.Join(dir, LockFile)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return holder, false, nil
	}
	lock := flock.New(path, flock.SetPermissions(FileMode))
	free, err := lock.TryRLock()
	if err != nil {
		return holder, false, fmt.Errorf("look at the lock: %w", err)
	}
	if free {
		return holder, false, lock.Close()
	}
	return readHolder(filepath.Join(dir, HolderFile)), true, nil
}

// readHolder reads who holds a lock. The file may be gone or half written; then nobody is named.
func readHolder(path string) (h Holder) {
	if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// Unlock releases the lock. The lock file stays: if it were removed, two commands could hold locks on
// two different files of that name.
func (l *Lock) Unlock() error {
	err := os.Remove(l.holder)
	return errors.Join(err, l.file.Close())
}
