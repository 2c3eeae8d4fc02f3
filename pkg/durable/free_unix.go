//go:build !windows

package durable

import "golang.org/x/sys/unix"

// Free is how many bytes of the file system below a folder its owner may still write.
func Free(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // the types differ between systems
}
