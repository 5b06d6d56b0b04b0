// Package sdnotify passes on to systemd that a container is ready: it listens
// at a socket that the container sees, and of all that comes only "READY=1" is
// told to the service manager, with the pid to watch (sd_notify(3)).
//
// It may import the standard library and x/sys/unix. It must never pass on
// anything else a container says: MAINPID or FDSTORE would be believed, since
// they come from the runtime.
package sdnotify

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Name is the socket's name in its directory.
const Name = "notify.sock"

// barrierWait is how long the service manager has to confirm, in runc too.
const barrierWait = 30 * time.Second

// Listen binds a datagram socket Name in the directory dir, in place of what is
// there, for everybody to write to. It does not block.
func Listen(dir int) (sock int, err error) {
	sock, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := bind(sock, dir); err != nil {
		_ = unix.Close(sock) // the first error says more
		return -1, fmt.Errorf("bind %s: %w", Name, err)
	}
	return sock, nil
}

func bind(sock, dir int) error {
	if err := unix.Unlinkat(dir, Name, 0); err != nil && err != unix.ENOENT {
		return err
	}
	// A path through the descriptor is short, however long the directory's is.
	path := "/proc/self/fd/" + strconv.Itoa(dir) + "/" + Name
	if err := unix.Bind(sock, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	// A container's user need not be root.
	return unix.Fchmodat(dir, Name, 0o777, 0)
}

// Heard reads all datagrams there are and reports whether one said READY=1.
// Descriptors that come along are closed, so that a barrier of the container's
// is not waited for in vain.
func Heard(sock int) (ready bool, err error) {
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(sock, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return ready, nil
		case err != nil:
			return ready, fmt.Errorf("read %s: %w", Name, err)
		}
		for line := range bytes.SplitSeq(buf[:n], []byte{'\n'}) {
			ready = ready || string(line) == "READY=1"
		}
	}
}

// Tell tells the service manager at the socket address (a path, or an abstract
// name that begins with "@") that the service is ready, and which process is
// its main one, in one datagram; then it waits until the manager has taken note
// (sd_notify_barrier(3)), so that the sender may end. late is true if that was
// not within half a minute, as from a manager that knows no barriers.
func Tell(address string, mainPid int) (late bool, err error) {
	if !strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "@") {
		return false, fmt.Errorf("NOTIFY_SOCKET=%s: neither a path nor an abstract name", address)
	}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("socket: %w", err)
	}
	defer func() { _ = unix.Close(sock) }()
	if err := unix.Connect(sock, &unix.SockaddrUnix{Name: address}); err != nil {
		return false, fmt.Errorf("connect to NOTIFY_SOCKET %s: %w", address, err)
	}
	text := "READY=1\nMAINPID=" + strconv.Itoa(mainPid)
	if err := send(sock, text, nil); err != nil {
		return false, fmt.Errorf("write to NOTIFY_SOCKET %s: %w", address, err)
	}
	late, err = barrier(sock)
	if err != nil {
		return late, fmt.Errorf("barrier at NOTIFY_SOCKET %s: %w", address, err)
	}
	return late, nil
}

func send(sock int, text string, rights []byte) error {
	for {
		_, err := unix.SendmsgN(sock, []byte(text), rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// barrier sends the write end of a pipe, which the manager closes when it has
// come to it.
func barrier(sock int) (late bool, err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return false, os.NewSyscallError("pipe2", err)
	}
	defer func() { _ = unix.Close(pipe[0]) }()
	err = send(sock, "BARRIER=1", unix.UnixRights(pipe[1]))
	_ = unix.Close(pipe[1])
	if err != nil {
		return false, err
	}
	end := time.Now().Add(barrierWait)
	for {
		wait := max(0, int(time.Until(end).Milliseconds()))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}, wait)
		if err == unix.EINTR {
			continue
		}
		return n == 0, err
	}
}
