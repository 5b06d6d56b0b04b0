package host

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is the reason ReadFile gives for a file above its bound.
var ErrTooLarge = errors.New("file is too large")

// ReadFile reads a file of at most max bytes without the poller and finaliser
// of an os.File. It is for files of the kernel and of this program, not for
// paths that somebody else can replace by a fifo: open would wait for a writer.
func ReadFile(path string, max int) ([]byte, error) {
	buf := make([]byte, min(max+1, 4096))
	n, err := ReadInto(path, buf)
	if err != nil {
		return nil, err
	}
	if n == len(buf) && n <= max {
		buf = make([]byte, max+1) // rare: read it again, at full size
		if n, err = ReadInto(path, buf); err != nil {
			return nil, err
		}
	}
	if n > max {
		return nil, &os.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return buf[:n], nil
}

// ReadInto reads from the beginning of a file until buf is full or the file
// ends, and returns the number of bytes. Nothing is allocated but the path.
func ReadInto(path string, buf []byte) (int, error) {
	fd, err := open(path)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			_ = unix.Close(fd) // the error of read says more
			return 0, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	if err := unix.Close(fd); err != nil {
		return 0, &os.PathError{Op: "close", Path: path, Err: err}
	}
	return n, nil
}

func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
