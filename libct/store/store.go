// Package store keeps the record of every container under --root, one
// directory to a container, so that each command finds what an earlier one
// made, and delete --force what a killed one left.
//
// Everything is reached by descriptor and no symbolic link is followed below
// the root. The package may import libct/jsontext, host and the spec's types; it
// must never signal a process or touch a cgroup, and its locks must never be
// held while waiting for either.
package store

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// maxIDs bounds what IDs reads from a directory that anything may have filled.
const maxIDs = 1 << 17

// Root is the directory that holds the records of all containers. Names in it
// that are no valid ids, such as "@seccomp", are free for other use.
type Root struct {
	path string
	fd   int // -1 when the directory does not exist
}

// OpenRoot opens an existing root. If there is none, the result is a Root
// without containers in which nothing can be claimed.
func OpenRoot(path string) (*Root, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return &Root{path: path, fd: -1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("root %s: %w", path, err)
	}
	return &Root{path: path, fd: fd}, nil
}

// MakeRoot opens a root and creates it, mode 0700, if there is none.
func MakeRoot(path string) (*Root, error) {
	r, err := OpenRoot(path)
	if err != nil || r.fd >= 0 {
		return r, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("root %s: %w", path, err)
	}
	if r, err = OpenRoot(path); err == nil && r.fd < 0 {
		return nil, fmt.Errorf("root %s: %w", path, unix.ENOENT)
	}
	return r, err
}

// Path returns the path the root was opened by.
func (r *Root) Path() string { return r.path }

// FD returns the root's descriptor, -1 if the root does not exist. It is valid
// until Close.
func (r *Root) FD() int { return r.fd }

// Close closes the root, and leaves Dirs opened from it without their use.
func (r *Root) Close() error {
	if r.fd < 0 {
		return nil
	}
	fd := r.fd
	r.fd = -1
	return unix.Close(fd)
}

// IDs returns the ids of all containers, sorted, damaged records included.
// A directory that Claim has made but not yet filled is among them; its Record
// is ErrNotExist.
func (r *Root) IDs() ([]string, error) {
	if r.fd < 0 {
		return nil, nil
	}
	names, err := readNames(r.fd, maxIDs)
	if err != nil {
		return nil, fmt.Errorf("root %s: %w", r.path, err)
	}
	ids := slices.DeleteFunc(names, func(name string) bool { return CheckID(name) != nil })
	slices.Sort(ids)
	return ids, nil
}

// Open opens the directory of a container. The error is ErrNotExist if there
// is none, and matches ErrCorrupt if what is there is no directory.
func (r *Root) Open(id string) (*Dir, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	if r.fd < 0 {
		return nil, ErrNotExist
	}
	fd, err := openat(r.fd, id, unix.O_RDONLY|unix.O_DIRECTORY)
	switch err {
	case nil:
		return &Dir{root: r, id: id, fd: fd}, nil
	case unix.ENOENT:
		return nil, ErrNotExist
	case unix.ENOTDIR, unix.ELOOP:
		return nil, &CorruptError{ID: id, Err: errNotDir}
	}
	return nil, fmt.Errorf("state of %q: %w", id, err)
}

// Remove removes whatever there is under an id, and is content with nothing.
// It is the last step of a forced delete, for entries that Open or Record
// cannot make sense of too.
func (r *Root) Remove(id string) error {
	d, err := r.Open(id)
	if err == nil {
		defer d.Close()
		return d.Remove()
	}
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	if !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err := unix.Unlinkat(r.fd, id, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove state of %q: %w", id, err)
	}
	return nil
}

// openat opens one name in a directory, following no symbolic link.
func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
