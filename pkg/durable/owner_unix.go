//go:build !windows

package durable

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file the owner and group of another, so that an edit by root does not take it from
// whoever it belongs to.
func keepOwner(path string, of fs.FileInfo) error {
	want, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if info, err := os.Stat(path); err == nil {
		if have, ok := info.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
			return nil
		}
	}
	return os.Lchown(path, int(want.Uid), int(want.Gid))
}
