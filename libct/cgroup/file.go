package cgroup

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// maxKnob bounds what is read from a limit's file.
const maxKnob = 64 << 10

// open opens a file for this process alone. cgroupfs has no symbolic links;
// O_NOFOLLOW holds where the path does not lead to cgroupfs after all.
func open(path string, flags int) (int, error) { return openat(unix.AT_FDCWD, path, flags) }

func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func read(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// write hands the kernel one value in one write, as cgroup files require.
func write(fd int, value string) error {
	for {
		n, err := unix.Write(fd, []byte(value))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n != len(value):
			return errors.New("short write")
		default:
			return nil
		}
	}
}

// readRecord reads a file of one record, such as a limit: what one read
// returns is all unless it fills the buffer.
func readRecord(path string, limit int) (string, error) {
	return readFileAt(unix.AT_FDCWD, path, limit, true)
}

// readFileAt also reads files of many records, such as cgroup.procs, to
// their end.
func readFileAt(dir int, name string, limit int, record bool) (string, error) {
	fd, err := openat(dir, name, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	// Most files are shorter than the first buffer, which stays on the stack.
	var first [1024]byte
	buf, kept := first[:], 0
	for {
		n, err := read(fd, buf[kept:])
		kept += n
		switch {
		case err != nil:
			return "", err
		case kept > limit:
			return "", unix.EFBIG
		case n == 0, record && kept < len(buf):
			return string(buf[:kept]), nil
		case kept == len(buf):
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// writeFile writes one value to dir/file.
func writeFile(dir, file, value string) error {
	fd, err := open(dir+"/"+file, unix.O_WRONLY)
	if err == nil {
		err = write(fd, value)
		unix.Close(fd)
	}
	if err != nil {
		return writeError(file, value, err)
	}
	return nil
}

// readKnob reads dir/file without the final newline.
func readKnob(dir, file string) (string, error) {
	text, err := readRecord(dir+"/"+file, maxKnob)
	if err != nil {
		return "", pathError("read", dir+"/"+file, err)
	}
	return strings.TrimSuffix(text, "\n"), nil
}

// absent says that a file or the whole cgroup does not exist (any more):
// ENODEV is what an open descriptor of a removed cgroup answers.
func absent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// refused says that permission was denied in one of the kernel's ways.
func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS)
}
