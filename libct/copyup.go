package libct

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/compile"
)

// copyUp fills a tmpfs with what it covers (mount option tmpcopyup), through
// two descriptors of the child.
func (c *creation) copyUp() error {
	to, err := c.fetch(compile.SlotCopyTo)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	from, err := c.fetch(compile.SlotCopyFrom)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	// The descriptors are O_PATH: reopen them to read.
	t := &tree{budget: maxCopyUp}
	return t.directory(from, to, ".", 0)
}

// Bounds of what is copied: an image made it.
const (
	maxCopyUp  = 1 << 20 // entries
	maxCopyLen = 256     // levels
)

// tree copies directories by descriptor: links are copied, never followed.
type tree struct{ budget int }

func (t *tree) directory(from, to int, name string, level int) error {
	if level > maxCopyLen {
		return fmt.Errorf("tmpcopyup: %s: more than %d levels", name, maxCopyLen)
	}
	src, err := unix.Openat(from, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("tmpcopyup: open %s: %w", name, err)
	}
	defer unix.Close(src)
	dst, err := unix.Openat(to, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("tmpcopyup: open new %s: %w", name, err)
	}
	defer unix.Close(dst)
	names, err := readNames(src)
	if err != nil {
		return fmt.Errorf("tmpcopyup: read %s: %w", name, err)
	}
	for _, n := range names {
		if t.budget--; t.budget < 0 {
			return fmt.Errorf("tmpcopyup: more than %d entries", maxCopyUp)
		}
		if err := t.entry(src, dst, n, level); err != nil {
			return err
		}
	}
	return nil
}

func readNames(fd int) (names []string, err error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func (t *tree) entry(src, dst int, name string, level int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("tmpcopyup: stat %s: %w", name, err)
	}
	mode := st.Mode & 0o7777
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if err = unix.Mkdirat(dst, name, mode); err == nil {
			err = t.directory(src, dst, name, level+1)
		}
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		var n int
		if n, err = unix.Readlinkat(src, name, buf); err == nil {
			err = unix.Symlinkat(string(buf[:n]), dst, name)
		}
	case unix.S_IFREG:
		err = copyFile(src, dst, name, mode)
	default:
		err = unix.Mknodat(dst, name, st.Mode, int(st.Rdev))
	}
	if err == nil {
		err = unix.Fchownat(dst, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFLNK {
		// chown clears the setuid bits.
		err = unix.Fchmodat(dst, name, mode, 0)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "tmpcopyup") {
		err = fmt.Errorf("tmpcopyup: %s: %w", name, err)
	}
	return err
}

func copyFile(src, dst int, name string, mode uint32) error {
	in, err := unix.Openat(src, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(in)
	out, err := unix.Openat(dst, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	for {
		n, err := unix.Sendfile(out, in, nil, 1<<20)
		if err == unix.EINTR || (err == nil && n > 0) {
			continue
		}
		return err
	}
}
