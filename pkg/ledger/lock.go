package ledger

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

// ErrLocked is in the chain of LockedError.
var ErrLocked = errors.New("it is locked")

// LockedError says that another command is at work in the folder, and which.
type LockedError struct {
	Path   string
	Holder Holder // zero if it could not be read
}

func (e *LockedError) Error() string { return fmt.Sprintf("%v by %v", ErrLocked, e.Holder) }

func (e *LockedError) Unwrap() error { return ErrLocked }

// Lock is the lock of a folder while it is held: a tenant's state, or a run. The system gives it back when the process ends, however
// it ends, so that there are no stale locks to remove by hand.
type Lock struct {
	file   *flock.Flock
	holder string
}

// LockFolder takes the lock of a folder, which it makes if need be, or returns a LockedError. Who
// holds it stands in a file beside it, since on Windows a locked file cannot be read.
func LockFolder(dir, command string, now time.Time) (*Lock, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("make the folder to lock: %w", err)
	}
	for _, name := range []string{"lock", "lock.holder"} { // a pipe would hold us up, a link lead elsewhere
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "lock", Path: filepath.Join(dir, name), Err: errors.New("it is not a regular file")}
		}
	}
	l := &Lock{file: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(fileMode)), holder: filepath.Join(dir, "lock.holder")}
	ok, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the folder: %w", err)
	}
	if !ok {
		return nil, &LockedError{Path: l.file.Path(), Holder: readHolder(l.holder)}
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Command: command, Since: now.UTC()})
	if err == nil {
		err = os.WriteFile(l.holder, text, fileMode)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the folder: %w", err), l.file.Close())
	}
	return l, nil
}

// readHolder reads who holds a lock; it may be gone, or half written, in which case nobody is named.
func readHolder(path string) (h Holder) {
	if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// Unlock gives the lock back. The file stays: removing it would let two runs lock two files.
func (l *Lock) Unlock() error {
	err := os.Remove(l.holder)
	return errors.Join(err, l.file.Close())
}
