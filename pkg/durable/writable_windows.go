package durable

import (
	"errors"
	"os"
)

// Writable is an error if files cannot be made in a folder. Only the attempt can tell here; its file is removed.
func Writable(folder string) error {
	f, err := os.CreateTemp(folder, "*"+Unfinished)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
