// Package console handles a container's terminal on the outside: it sends the
// pty's master to the socket a manager listens on, or connects it with the
// user's own terminal. The pty itself is made in the container by the child.
//
// It may import the standard library and x/sys/unix, but not net, whose
// initialisation every command would pay for. It must never open a path inside
// a container.
package console

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Identity of a devpts multiplexer: TTYAUX_MAJOR, and minor and inode number
// from the kernel's fs/devpts/inode.c.
const (
	ptmxMajor = 5
	ptmxMinor = 2
	ptmxInode = 2
)

// CheckMaster checks that fd was opened from the ptmx file of a real devpts,
// and not from another device that a container put in its place
// (CVE-2025-52565). The host's /dev/ptmx, a node outside of devpts, does not
// pass: a container's pty never comes from there.
func CheckMaster(fd int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("fstatfs pty: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("fstat pty: %w", err)
	}
	if fs.Type != unix.DEVPTS_SUPER_MAGIC || st.Mode&unix.S_IFMT != unix.S_IFCHR ||
		st.Rdev != unix.Mkdev(ptmxMajor, ptmxMinor) || st.Ino != ptmxInode {
		return fmt.Errorf("pty: not the multiplexer of a devpts")
	}
	return nil
}

// SetSize sets a terminal's size in characters.
func SetSize(fd int, width, height uint16) error {
	err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height})
	if err != nil {
		return fmt.Errorf("set size of terminal: %w", err)
	}
	return nil
}

// copySize gives one terminal the size of another.
func copySize(to, from int) error {
	ws, err := unix.IoctlGetWinsize(from, unix.TIOCGWINSZ)
	if err != nil {
		return fmt.Errorf("get size of terminal: %w", err)
	}
	if err := unix.IoctlSetWinsize(to, unix.TIOCSWINSZ, ws); err != nil {
		return fmt.Errorf("set size of terminal: %w", err)
	}
	return nil
}

// Raw passes a terminal's keys on unread and unechoed, and returns a function
// that undoes it. Output processing stays on, as in runc: the terminal adds the
// carriage returns that ClearONLCR keeps the container's from adding.
func Raw(fd int) (restore func() error, err error) {
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("get modes of terminal: %w", err)
	}
	raw := *old
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Oflag |= unix.OPOST
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("set modes of terminal: %w", err)
	}
	return func() error {
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, old); err != nil {
			return fmt.Errorf("restore modes of terminal: %w", err)
		}
		return nil
	}, nil
}

// ClearONLCR keeps a pty from turning newlines into carriage return and
// newline.
func ClearONLCR(fd int) error {
	modes, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("get modes of pty: %w", err)
	}
	modes.Oflag &^= unix.ONLCR
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, modes); err != nil {
		return fmt.Errorf("set modes of pty: %w", err)
	}
	return nil
}

// HostTerminal returns a descriptor of its own for the user's terminal: what
// stderr, stdout or stdin is, in this order, or else the controlling terminal.
func HostTerminal() (fd int, err error) {
	for _, std := range [...]int{2, 1, 0} {
		if _, err := unix.IoctlGetTermios(std, unix.TCGETS); err == nil {
			return unix.FcntlInt(uintptr(std), unix.F_DUPFD_CLOEXEC, 3)
		}
	}
	const tty = "/dev/tty"
	fd, err = unix.Open(tty, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: tty, Err: err}
	}
	return fd, nil
}

func procFd(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
