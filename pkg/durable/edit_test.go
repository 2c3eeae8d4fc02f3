package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestEditsDoNotUndoEachOther: of many edits at once none is lost, and nothing stays beside the file.
func TestEditsDoNotUndoEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			err := Edit(t.Context(), path, func(before []byte) ([]byte, error) {
				return fmt.Appendf(before, "line %d\n", i), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 20 {
		t.Errorf("%v\n%s", err, text)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 && runtime.GOOS != "windows" {
		t.Errorf("%v %v", entries, err)
	}
}

// TestEditKeepsWhatIsThere: rights and links stay, and a change that fails leaves the file as it was.
func TestEditKeepsWhatIsThere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and rights are other things there")
	}
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(file, []byte("a"), 0o600), os.Chmod(file, 0o640), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), link, func(before []byte) ([]byte, error) { return append(before, 'b'), nil }); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no")
	if err := Edit(t.Context(), link, func([]byte) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	info, err := os.Stat(file)
	text, _ := os.ReadFile(file)
	linked, _ := os.Lstat(link)
	if err != nil || info.Mode().Perm() != 0o640 || string(text) != "ab" || linked.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v %v %q %v", err, info.Mode(), text, linked.Mode())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), link, func([]byte) ([]byte, error) { return nil, nil }); err == nil {
		t.Error("a link to nothing was followed")
	}
	if err := Edit(t.Context(), filepath.Join(folder, "nosuch", "file"), func([]byte) ([]byte, error) { return nil, nil }); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestEditWaitsNoLongerThanTheCommand: an interrupted command does not wait for another's lock.
func TestEditWaitsNoLongerThanTheCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	err := Edit(t.Context(), path, func([]byte) ([]byte, error) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Edit(ctx, path, func([]byte) ([]byte, error) { return nil, nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return []byte("a"), nil
	})
	if err != nil {
		t.Error(err)
	}
}
