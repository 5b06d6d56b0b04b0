package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new terminal of 31 rows and 97 columns.
func openTerminal() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	master = os.NewFile(uintptr(fd), "master")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 31, Col: 97})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
	}
	return master, slave, err
}

// runOnTerminal runs a command in a session of its own, with a terminal for its
// first three descriptors, and returns what was written there.
func runOnTerminal(cmd *exec.Cmd, limit time.Duration) ([]byte, error) {
	master, slave, err := openTerminal()
	if err != nil {
		return nil, err
	}
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	text := make(chan []byte)
	go func() { text <- drain(master) }()
	err = runFor(cmd, limit)
	slave.Close()
	return <-text, err
}

// drain reads a terminal until its last slave is closed.
func drain(master *os.File) (all []byte) {
	buf := make([]byte, 65536)
	for {
		n, err := master.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			return all
		}
	}
}

// consoleSocket waits for a terminal's master.
type consoleSocket struct {
	listener *net.UnixListener
	came     chan []byte
	text     []byte
}

func listen(path string) *consoleSocket {
	// Relative, as socket names are short; the working directory is shared.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Clean(path), Net: "unix"})
	if err != nil {
		return nil
	}
	s := &consoleSocket{listener: l, came: make(chan []byte, 1)}
	go func() {
		text, err := s.accept()
		if err != nil {
			text = append(text, fmt.Sprintf("console: %v\n", err)...)
		}
		s.came <- text
	}()
	return s
}

func (s *consoleSocket) accept() ([]byte, error) {
	conn, err := s.listener.AcceptUnix()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	data, oob := make([]byte, 4096), make([]byte, 256)
	n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("no descriptor came")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.New("not one descriptor came")
	}
	master := os.NewFile(uintptr(fds[0]), "master")
	defer master.Close()
	return append([]byte(fmt.Sprintf("console: name %q descriptors %d\n", data[:n], len(fds))), drain(master)...), nil
}

// read waits for the end of the output.
func (s *consoleSocket) read(where string) string {
	if s == nil {
		return where + ": no socket"
	}
	select {
	case s.text = <-s.came:
		return where + ": done"
	case <-time.After(stepTime):
		return where + ": nothing came"
	}
}

func (s *consoleSocket) close() {
	if s != nil {
		s.listener.Close()
	}
}
