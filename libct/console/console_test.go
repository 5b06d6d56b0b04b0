package console

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openPty returns both ends of a new pty.
func openPty(t *testing.T) (master, slave int) {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		t.Fatal(errno)
	}
	return master, int(r)
}

func closeFds(t *testing.T, fds ...int) {
	t.Helper()
	for _, fd := range fds {
		if err := unix.Close(fd); err != nil {
			t.Errorf("close %d: %v", fd, err)
		}
	}
}

func TestCheckMaster(t *testing.T) {
	outside, slave := openPty(t)
	defer closeFds(t, outside, slave)
	master, err := unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	switch {
	case err == nil:
		if err := CheckMaster(master); err != nil {
			t.Error(err)
		}
		closeFds(t, master)
	case err != unix.EACCES || os.Getuid() == 0: // ptmxmode=000 is the default
		t.Error(err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFds(t, null)
	for _, fd := range []int{slave, null} {
		if CheckMaster(fd) == nil {
			t.Errorf("%d passes for a master", fd)
		}
	}
	if CheckMaster(-1) == nil {
		t.Error("no descriptor passes for a master")
	}
}

// listen makes a stream socket at path, by way of a short name.
func listen(t *testing.T, path string) int {
	t.Helper()
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFds(t, dir)
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(sock, &unix.SockaddrUnix{Name: procFd(dir) + "/" + filepath.Base(path)})
	}
	if err == nil {
		err = unix.Listen(sock, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeFds(t, sock) })
	return sock
}

func TestSend(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, strings.Repeat("d", 200), strings.Repeat("e", 200))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir + "/s", deep + "/s", deep + "/" + strings.Repeat("s", 60)} {
		l := listen(t, path)
		sock, err := Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		peer, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		master, slave := openPty(t)
		if err := Send(sock, master, MasterName); err != nil {
			t.Error(err)
		}
		closeFds(t, master)
		// Received as runc's own receivers do it.
		name, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
		n, oobn, _, _, err := unix.Recvmsg(peer, name, oob, unix.MSG_CMSG_CLOEXEC)
		if err != nil || string(name[:n]) != "/dev/ptmx" || oobn != len(oob) {
			t.Fatalf("received %q, %d bytes beside it, %v", name[:n], oobn, err)
		}
		msgs, err := unix.ParseSocketControlMessage(oob)
		if err != nil || len(msgs) != 1 {
			t.Fatalf("%v, %v", msgs, err)
		}
		fds, err := unix.ParseUnixRights(&msgs[0])
		if err != nil || len(fds) != 1 {
			t.Fatalf("%v, %v", fds, err)
		}
		write(t, fds[0], "x\n")
		if n, err := unix.Read(slave, name); err != nil || string(name[:n]) != "x\n" {
			t.Errorf("through the master came %q, %v", name[:n], err)
		}
		closeFds(t, append(fds, slave, peer)...)
		if err := Send(sock, 0, MasterName); !errors.Is(err, unix.EPIPE) {
			t.Errorf("send to a closed peer: %v", err)
		}
		closeFds(t, sock)
	}
	for _, path := range []string{dir + "/none", deep + "/none", dir} {
		if _, err := Dial(path); err == nil || !strings.HasPrefix(err.Error(), "dial unix "+path+": ") {
			t.Errorf("dial: %v", err)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", maxName)} {
		if err := Send(-1, -1, name); err == nil || errors.Is(err, unix.EBADF) {
			t.Errorf("name of %d bytes: %v", len(name), err)
		}
	}
}

func modes(t *testing.T, fd int) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

func TestRawAndBack(t *testing.T) {
	master, slave := openPty(t)
	defer closeFds(t, master, slave)
	before := modes(t, slave)
	restore, err := Raw(slave)
	if err != nil {
		t.Fatal(err)
	}
	raw := modes(t, slave)
	if raw.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || raw.Oflag&unix.OPOST == 0 {
		t.Errorf("raw: %+v", raw)
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if after := modes(t, slave); after != before {
		t.Errorf("restored %+v, want %+v", after, before)
	}
	if err := ClearONLCR(master); err != nil || modes(t, slave).Oflag&unix.ONLCR != 0 {
		t.Errorf("ONLCR stays, %v", err)
	}
}

func size(t *testing.T, fd int) [2]uint16 {
	t.Helper()
	ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		t.Fatal(err)
	}
	return [2]uint16{ws.Col, ws.Row}
}

// attached is a session with everything around it.
type attached struct {
	*Session
	pty       int // a second master of the container's
	slave     int // the container's end
	host, tty int // both ends of the user's terminal
	in        *os.File
	out, outW *os.File
	before    unix.Termios
}

func attach(t *testing.T) *attached {
	t.Helper()
	a := new(attached)
	master, slave := openPty(t)
	a.slave = slave
	a.pty, _ = unix.Dup(master)
	a.host, a.tty = openPty(t)
	if err := SetSize(a.tty, 90, 30); err != nil {
		t.Fatal(err)
	}
	a.before = modes(t, a.tty)
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	a.in = inW
	if a.out, a.outW, err = os.Pipe(); err != nil {
		t.Fatal(err)
	}
	term, err := unix.Dup(a.tty)
	if err != nil {
		t.Fatal(err)
	}
	if a.Session, err = Attach(master, term, int(inR.Fd()), int(a.outW.Fd())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeFds(t, a.pty, a.host, a.tty)
		if err := errors.Join(inR.Close(), inW.Close(), a.out.Close()); err != nil {
			t.Error(err)
		}
	})
	return a
}

// finish closes the session and returns what came out of it beside what was
// read before.
func (a *attached) finish(t *testing.T) string {
	t.Helper()
	text := make(chan []byte)
	go func() {
		b, err := io.ReadAll(a.out)
		if err != nil {
			t.Error(err)
		}
		text <- b
	}()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := a.outW.Close(); err != nil {
		t.Error(err)
	}
	if after := modes(t, a.tty); after != a.before {
		t.Errorf("terminal left with %+v, want %+v", after, a.before)
	}
	return string(<-text)
}

func write(t *testing.T, fd int, text string) {
	t.Helper()
	if err := writeAll(fd, []byte(text), -1); err != nil {
		t.Fatal(err)
	}
}

func TestSession(t *testing.T) {
	a := attach(t)
	if got := size(t, a.slave); got != [2]uint16{90, 30} {
		t.Errorf("size %v", got)
	}
	if modes(t, a.tty).Lflag&unix.ICANON != 0 {
		t.Error("the terminal is not raw")
	}
	write(t, a.slave, "one\n")
	buf := make([]byte, 100)
	if n, err := io.ReadFull(a.out, buf[:4]); err != nil || string(buf[:n]) != "one\n" {
		t.Errorf("output %q, %v", buf[:n], err)
	}
	if _, err := a.in.WriteString("two\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(a.slave, buf); err != nil || string(buf[:n]) != "two\n" {
		t.Errorf("input %q, %v", buf[:n], err)
	}
	closeFds(t, a.slave)
	if got := a.finish(t); got != "two\n" { // the echo
		t.Errorf("rest of the output %q", got)
	}
}

// The last words of a process are written out, whether it or a process that it
// left keeps the pty open.
func TestLastOutput(t *testing.T) {
	want := strings.Repeat("0123456789abcde\n", 200)
	for _, open := range []bool{false, true} {
		for range 50 {
			a := attach(t)
			write(t, a.slave, want)
			if !open {
				closeFds(t, a.slave)
			}
			if got := a.finish(t); got != want {
				t.Fatalf("left open %t: %d bytes of %d", open, len(got), len(want))
			}
			if open {
				closeFds(t, a.slave)
			}
		}
	}
}

func TestResize(t *testing.T) {
	a := attach(t)
	if err := SetSize(a.tty, 33, 11); err != nil {
		t.Fatal(err)
	}
	// Signals are handed out one after the other, so when the second is here,
	// the session has got the first; Close lets it finish that.
	seen := make(chan os.Signal, 1)
	signal.Notify(seen, unix.SIGWINCH)
	defer signal.Stop(seen)
	for range 2 {
		if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		<-seen
	}
	a.finish(t)
	if got := size(t, a.pty); got != [2]uint16{33, 11} {
		t.Errorf("size %v", got)
	}
	closeFds(t, a.slave)
}

func TestAttachToNoTerminal(t *testing.T) {
	master, slave := openPty(t)
	defer closeFds(t, slave)
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(master, null, 0, 1); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("attach: %v", err)
	}
	if err := unix.Close(null); err != unix.EBADF {
		t.Errorf("the terminal stays open: %v", err)
	}
}
