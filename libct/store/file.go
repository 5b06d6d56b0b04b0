package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// tempMark begins the names of temporary files. Ids and files of a container
// never begin with it.
const tempMark = '@'

// WriteFile replaces a small file in the container's directory, so that
// readers see the old or the new content whole, also if this process is killed
// or the file system is full. The caller holds the exclusive lock. The data is
// not synced: it describes processes, and those do not outlive a power cut.
func (d *Dir) WriteFile(name string, data []byte) error {
	temp := string(tempMark) + name
	if err := d.create(temp, data); err != nil {
		_ = unix.Unlinkat(d.fd, temp, 0) // the first error says more
		return d.fail("write "+name, err)
	}
	if err := unix.Renameat(d.fd, temp, d.fd, name); err != nil {
		_ = unix.Unlinkat(d.fd, temp, 0)
		return d.fail("write "+name, err)
	}
	return nil
}

// MakeDir makes a directory in the container's, searchable by all, and opens it.
func (d *Dir) MakeDir(name string) (fd int, err error) {
	if err := unix.Mkdirat(d.fd, name, 0o755); err != nil {
		return -1, d.fail("make "+name, err)
	}
	return d.OpenDir(name)
}

// OpenDir opens a directory that MakeDir made. The error matches os.ErrNotExist
// if there is none.
func (d *Dir) OpenDir(name string) (fd int, err error) {
	fd, err = openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return -1, d.fail("open "+name, err)
	}
	return fd, nil
}

// create makes a new file with the data, in place of one that a killed writer
// left.
func (d *Dir) create(name string, data []byte) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL
	fd, err := openat(d.fd, name, flags)
	if err == unix.EEXIST {
		if err := remove(d.fd, name, 0); err != nil {
			return err
		}
		fd, err = openat(d.fd, name, flags)
	}
	if err != nil {
		return err
	}
	return errors.Join(writeAll(fd, data), unix.Close(fd))
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		data = data[n:]
	}
	return nil
}

// ReadFile reads a file of the container's directory that WriteFile wrote, of
// at most 1 MiB. The error matches os.ErrNotExist if there is none, and
// ErrCorrupt if it is no regular file, too large, or belongs to somebody who is
// neither this user nor root.
func (d *Dir) ReadFile(name string) ([]byte, error) {
	// Not blocking, so that opening a fifo does not wait for a writer.
	fd, err := openat(d.fd, name, unix.O_RDONLY|unix.O_NONBLOCK)
	switch err {
	case nil:
	case unix.ELOOP, unix.ENXIO: // a symbolic link, a socket
		return nil, d.corrupt(name, errNotRegular)
	default:
		return nil, d.fail("read "+name, err)
	}
	data, err := readRegular(fd)
	_ = unix.Close(fd) // was only read
	if err != nil {
		return nil, d.corrupt(name, err)
	}
	return data, nil
}

func (d *Dir) corrupt(name string, err error) error {
	return &CorruptError{ID: d.id, Err: fmt.Errorf("%s: %w", name, err)}
}

func readRegular(fd int) ([]byte, error) {
	const limit = 1 << 20
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errNotRegular
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("belongs to uid %d", st.Uid)
	}
	if st.Size > limit {
		return nil, errTooLarge
	}
	return readAll(fd, make([]byte, st.Size+1))
}

// readAll reads until the end of the file or of buf, which has room for one
// byte more than the file.
func readAll(fd int, buf []byte) ([]byte, error) {
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return buf[:n], nil
}
