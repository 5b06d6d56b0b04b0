package store

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

var errNotFifo = errors.New("not a fifo")

// MakeFifos makes the two fifos that create and start talk through, mode 0600,
// for the user who is root in the container: its init opens them.
func (d *Dir) MakeFifos(uid, gid int) error {
	for _, name := range [...]string{execName, statusName} {
		if err := unix.Mknodat(d.fd, name, unix.S_IFIFO|0o600, 0); err != nil {
			return d.fail("mkfifo "+name, err)
		}
		if err := unix.Fchownat(d.fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return d.fail("chown "+name, err)
		}
	}
	return nil
}

// OpenExec opens the fifo that init waits at until start opens it too. flags
// are an access mode, and O_NONBLOCK unless the caller wants to wait for the
// other side. The error matches os.ErrNotExist once the container was started.
func (d *Dir) OpenExec(flags int) (fd int, err error) { return d.openFifo(execName, flags) }

// OpenStatus opens the fifo through which init reports a failed execve.
func (d *Dir) OpenStatus(flags int) (fd int, err error) { return d.openFifo(statusName, flags) }

// HasExec reports whether the exec fifo is there: the container waits for its
// start.
func (d *Dir) HasExec() (bool, error) {
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, execName, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, d.fail("stat "+execName, err)
	}
	return st.Mode&unix.S_IFMT == unix.S_IFIFO, nil
}

// RemoveExec removes the exec fifo, which marks the container as started, and
// RemoveStatus the status fifo. Fifos already removed are no error.
func (d *Dir) RemoveExec() error { return d.unlink(execName) }

// RemoveStatus is described at RemoveExec.
func (d *Dir) RemoveStatus() error { return d.unlink(statusName) }

func (d *Dir) unlink(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil && err != unix.ENOENT {
		return d.fail("remove "+name, err)
	}
	return nil
}

// openFifo looks at the file before it opens it for reading or writing: opening
// a device could have an effect, and a regular file would never wait.
func (d *Dir) openFifo(name string, flags int) (int, error) {
	path, err := openat(d.fd, name, unix.O_PATH)
	if err != nil {
		return -1, d.fail("open "+name, err)
	}
	defer func() { _ = unix.Close(path) }()
	var st unix.Stat_t
	if err := unix.Fstat(path, &st); err != nil {
		return -1, d.fail("stat "+name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return -1, d.corrupt(name, errNotFifo)
	}
	for {
		fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(path), flags|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, d.fail("open "+name, err)
		}
		return fd, nil
	}
}
