package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes a file of what write writes and returns when bytes and name are
// durable. fs.ErrExist when there is a file of that name, which stays as it is. After
// another error there is none, unless only its folder could not be synced: then it is
// whole and may not outlive a crash.
func Create(path string, mode fs.FileMode, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := fill(f, write); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return SyncFolder(filepath.Dir(path))
}

// Replace puts a file of what write writes in the place of the one of that name, in
// one step, and returns when bytes and name are durable. After an error, or a crash,
// one of the two is there whole: the new one where only its folder could not be
// synced, else the old one. Its owner alone may read it.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	if err = fill(f, write); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(path))
}

// Bytes is what Create and Replace write of bytes that are at hand.
func Bytes(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// fill writes and seals a file; it is closed in any case.
func fill(f *os.File, write func(io.Writer) error) error {
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return Seal(f)
}

// Rename gives a file or a folder, whose content is durable, another name in the same
// file system, and returns when that is durable. It replaces a file of that name.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	err := SyncFolder(filepath.Dir(to))
	if left := filepath.Dir(from); err == nil && left != filepath.Dir(to) {
		err = SyncFolder(left)
	}
	return err
}

// Seal makes the bytes of a file durable, and closes it in any case.
func Seal(f *os.File) error {
	return errors.Join(f.Sync(), f.Close())
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return Seal(folder)
}
