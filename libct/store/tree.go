package store

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// maxDepth bounds directories inside a container's directory. rt makes none.
const maxDepth = 16

var (
	errTooMany = errors.New("too many directory entries")
	errTooDeep = errors.New("directories are nested too deep")
)

// clear removes all entries of a directory but one.
func clear(dir int, keep string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	names, err := readNames(dir, maxIDs)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == keep {
			continue
		}
		if err := remove(dir, name, depth); err != nil {
			return err
		}
	}
	return nil
}

// remove removes one entry, whatever its kind, and follows no symbolic link.
func remove(dir int, name string, depth int) error {
	err := unix.Unlinkat(dir, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	if err != unix.EISDIR {
		return fmt.Errorf("%s: %w", name, err)
	}
	fd, err := openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err = clear(fd, "", depth+1)
	_ = unix.Close(fd) // was only read
	if err == nil {
		err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readNames returns the names in a directory, "." and ".." left out, through a
// description of its own, since the offset belongs to the description.
func readNames(dir, limit int) (names []string, err error) {
	fd, err := openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
		if len(names) > limit {
			return slices.Clip(names[:limit]), errTooMany
		}
	}
}
