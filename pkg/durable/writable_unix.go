//go:build !windows

package durable

import "golang.org/x/sys/unix"

// Writable is an error if files cannot be made in a folder. It does not try to make one.
func Writable(folder string) error {
	var s unix.Stat_t
	if err := unix.Stat(folder, &s); err != nil {
		return err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	return unix.Access(folder, unix.W_OK|unix.X_OK)
}
