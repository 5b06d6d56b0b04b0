package cgroup

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Delete removes the group and all below it from every hierarchy. Processes
// that are ending are waited for, as long as timeout; the error names what
// is left. A group that does not exist is no error.
func (g *Group) Delete(timeout time.Duration) error {
	deadline := soon(timeout)
	var errs []error
	for i := range g.dirs {
		if g.dirs[i].lost != nil {
			continue
		}
		if err := removeTree(g.dirs[i].path, deadline); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a directory, children first. rmdir alone is enough as
// a rule.
func removeTree(path string, deadline time.Time) error {
	var delay time.Duration
	for {
		err := rmdir(unix.AT_FDCWD, path)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.EBUSY {
			// A read-only mount refuses before it looks (EROFS).
			if fd, openErr := open(path, unix.O_PATH); openErr == unix.ENOENT {
				return nil
			} else if openErr == nil {
				unix.Close(fd)
			}
			return pathError("rmdir", path, err)
		}
		if err := removeChildren(path); err != nil && !errors.Is(err, unix.EBUSY) {
			return err
		}
		pids, listErr := procs(path)
		if absent(listErr) {
			continue
		}
		if rmdir(unix.AT_FDCWD, path) == nil {
			return nil
		}
		if !awaitExit(pids, deadline) || !pause(&delay, deadline) {
			return left(path, pids, listErr)
		}
	}
}

// removeChildren removes what can be removed below path; the last error is
// EBUSY if processes are left.
func removeChildren(path string) error {
	var busy error
	err := walk(path, func(int, string) error { return nil }, func(parent int, child, path string) error {
		switch err := rmdir(parent, child); err {
		case nil, unix.ENOENT:
			return nil
		case unix.EBUSY:
			busy = pathError("rmdir", path, err)
			return nil
		default:
			return pathError("rmdir", path, err)
		}
	})
	if err == nil {
		err = busy
	}
	if absent(err) {
		return nil
	}
	return err
}

func rmdir(dir int, name string) error {
	for {
		if err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); err != unix.EINTR {
			return err
		}
	}
}

// left says why a directory is still there.
func left(path string, pids []int, listErr error) error {
	if listErr != nil {
		return fmt.Errorf("rmdir %s: %w (%w)", path, unix.EBUSY, listErr)
	}
	if len(pids) == 0 {
		return fmt.Errorf("rmdir %s: %w", path, unix.EBUSY)
	}
	return fmt.Errorf("rmdir %s: %w: %d process(es) left: %s", path, unix.EBUSY, len(pids), list(pids))
}
