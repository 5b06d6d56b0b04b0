package console

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// MasterName is the name runc sends along with a master.
const MasterName = "/dev/ptmx"

// maxName is the room that runc's receivers have for the name, its last byte
// excluded.
const maxName = 4096

// sendWait bounds how long a socket whose owner does not answer can stop us.
const sendWait = 10 * time.Second

// maxSunPath is the size of sockaddr_un.sun_path, a terminating NUL included.
const maxSunPath = 108

// Dial connects to the unix stream socket at path, for --console-socket and
// its like; connecting before the container is made tells early that nobody
// listens. As everywhere, a path that begins with "@" is an abstract name.
func Dial(path string) (sock int, err error) {
	sock, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("dial unix %s: %w", path, err)
	}
	tv := unix.NsecToTimeval(sendWait.Nanoseconds())
	err = unix.SetsockoptTimeval(sock, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
	if err == nil {
		err = connect(sock, path)
	}
	if err != nil {
		_ = unix.Close(sock) // the first error says more
		return -1, fmt.Errorf("dial unix %s: %w", path, err)
	}
	return sock, nil
}

// connect reaches a socket whose path is too long for a socket address through
// a descriptor of the socket.
func connect(sock int, path string) error {
	if len(path) >= maxSunPath {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		path = procFd(fd)
	}
	for {
		err := unix.Connect(sock, &unix.SockaddrUnix{Name: path})
		if err != unix.EINTR {
			return err
		}
	}
}

// Send sends a descriptor with a name as runc does: one message, the name its
// payload, the descriptor in SCM_RIGHTS. For a console that is the master and
// MasterName.
func Send(sock, fd int, name string) error {
	if name == "" || len(name) >= maxName {
		return fmt.Errorf("send descriptor: name of %d bytes", len(name))
	}
	for {
		n, err := unix.SendmsgN(sock, []byte(name), unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("send %s: %w", name, err)
		case n != len(name):
			return fmt.Errorf("send %s: %d of %d bytes were taken", name, n, len(name))
		}
		return nil
	}
}
