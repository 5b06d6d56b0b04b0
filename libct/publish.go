package libct

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// publish gives a file with the data a name in a directory, in place of what is
// there: a reader sees it whole or not at all. Until it is written it has no
// name, so that a kill leaves nothing behind.
func publish(dir int, name string, data []byte, mode uint32) error {
	fd, err := unix.Openat(dir, ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, mode)
	if err == unix.EOPNOTSUPP || err == unix.EISDIR || err == unix.EINVAL {
		return publishByRename(dir, name, data, mode) // not every file system has it
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := writeWhole(fd, data); err != nil {
		return err
	}
	path := "/proc/self/fd/" + strconv.Itoa(fd)
	err = unix.EEXIST
	for tries := 0; err == unix.EEXIST && tries < 100; tries++ {
		if err = unix.Linkat(unix.AT_FDCWD, path, dir, name, unix.AT_SYMLINK_FOLLOW); err == unix.EEXIST {
			if uerr := unix.Unlinkat(dir, name, 0); uerr != nil && uerr != unix.ENOENT {
				return uerr
			}
		}
	}
	return err
}

func publishByRename(dir int, name string, data []byte, mode uint32) error {
	temp := fmt.Sprintf(".%s.%d", name, os.Getpid())
	// One that is there was left by a killed process that had our pid.
	_ = unix.Unlinkat(dir, temp, 0)
	fd, err := unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return err
	}
	err = writeWhole(fd, data)
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	if err == nil {
		err = unix.Renameat(dir, temp, dir, name)
	}
	if err != nil {
		_ = unix.Unlinkat(dir, temp, 0) // the first error says more
	}
	return err
}

func writeWhole(fd int, data []byte) error {
	n, err := unix.Write(fd, data)
	if err == nil && n != len(data) {
		return io.ErrShortWrite
	}
	return err
}

// writePidFile replaces path by a file with the pid, as runc: a reader never
// sees half of it, and nothing stale is left behind.
func writePidFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the directory of pid file %s: %w", path, err)
	}
	defer unix.Close(dir)
	if err := publish(dir, filepath.Base(path), strconv.AppendInt(nil, int64(pid), 10), 0o666); err != nil {
		return fmt.Errorf("write pid file %s: %w", path, err)
	}
	return nil
}

// removePidFile takes away that of a process that came to nothing.
func removePidFile(path string) error {
	if err := unix.Unlink(path); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove pid file %s: %w", path, err)
	}
	return nil
}
