package console

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const childEnv = "CONSOLE_TEST_CHILD"

// TestMain lets the test binary look for its terminal as a new session.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	out := os.NewFile(3, "result")
	fd, err := HostTerminal()
	if err != nil {
		fmt.Fprint(out, err)
		os.Exit(0)
	}
	ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		panic(err)
	}
	fmt.Fprint(out, "width ", ws.Col)
	os.Exit(0)
}

func TestHostTerminal(t *testing.T) {
	var ttys []*os.File
	for i := range 3 {
		master, slave := openPty(t)
		defer closeFds(t, master)
		if err := SetSize(slave, uint16(10+i), 5); err != nil {
			t.Fatal(err)
		}
		ttys = append(ttys, os.NewFile(uintptr(slave), "tty"))
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	find := func(in, out, err *os.File, ctty bool) string {
		t.Helper()
		r, w, e := os.Pipe()
		if e != nil {
			t.Fatal(e)
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{childEnv + "=1"}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, err
		cmd.ExtraFiles = []*os.File{w, ttys[0]}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: ctty, Ctty: 4}
		if e := cmd.Run(); e != nil {
			t.Error(e)
		}
		_ = w.Close()
		b := make([]byte, 200)
		n, _ := r.Read(b)
		_ = r.Close()
		return string(b[:n])
	}
	if got := find(ttys[0], ttys[1], ttys[2], false); got != "width 12" {
		t.Errorf("all three: %s, want stderr", got)
	}
	if got := find(ttys[0], ttys[1], null, false); got != "width 11" {
		t.Errorf("stdin and stdout: %s, want stdout", got)
	}
	if got := find(ttys[0], null, null, false); got != "width 10" {
		t.Errorf("stdin alone: %s", got)
	}
	if got := find(null, null, null, true); got != "width 10" {
		t.Errorf("controlling terminal: %s", got)
	}
	if got := find(null, null, null, false); !strings.HasPrefix(got, "open /dev/tty: ") {
		t.Errorf("none: %s", got)
	}
	for _, f := range append(ttys, null) {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
