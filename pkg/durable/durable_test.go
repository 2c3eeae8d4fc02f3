package durable

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func TestCompleteOrAbsent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("visible before commit: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Fatalf("got %q", got)
		}
	}
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != FileMode {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestAForeignLinkIsNotWrittenThrough(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "f")
	if err := os.WriteFile(victim, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path+".part"); err != nil {
		t.Skip("no links here: ", err)
	}
	one, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Create(path) // another process may be writing the same file
	if err != nil {
		t.Fatal(err)
	}
	for f, text := range map[*File]string{one: "one", two: "two"} {
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "one" {
		t.Errorf("got %q", got)
	}
	if got, _ := os.ReadFile(victim); string(got) != "dear" {
		t.Errorf("the victim holds %q", got)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

func TestLock(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "bend")
	first, err := LockFolder(dir, "sluice send", now)
	if err != nil {
		t.Fatal(err)
	}
	if h, held, err := HeldBy(dir); err != nil || !held || h.Command != "sluice send" {
		t.Errorf("%+v %v %v", h, held, err)
	}
	_, err = LockFolder(dir, "sluice run", now)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() || locked.Holder.Command != "sluice send" || !locked.Holder.Since.Equal(now) {
		t.Errorf("the second lock: %v", err)
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	if h, held, err := HeldBy(dir); err != nil || held {
		t.Errorf("%+v %v %v", h, held, err)
	}
	second, err := LockFolder(dir, "sluice run", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lock.holder"), []byte(`{"pid":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(dir, "sluice run", now); !errors.As(err, &locked) || locked.Holder.PID != 0 || !strings.Contains(err.Error(), "another command") {
		t.Errorf("with a torn holder: %v", err)
	}
	if err := second.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// TestLookingDisturbsNobody: a command gets the lock of a folder in which another just looks who holds it.
func TestLookingDisturbsNobody(t *testing.T) {
	dir := t.TempDir()
	lock, err := LockFolder(dir, "first", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	look := flock.New(filepath.Join(dir, LockFile)) // as HeldBy does
	if ok, err := look.TryRLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	time.AfterFunc(20*time.Millisecond, func() { _ = look.Close() })
	if lock, err = LockFolder(dir, "second", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}
