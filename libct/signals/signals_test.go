package signals

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain runs the tests where every signal may be taken: in a process of
// their own, which nobody else signals.
func TestMain(m *testing.M) {
	if os.Getenv("RT_SIGNALS_TEST") != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), "RT_SIGNALS_TEST=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(1)
	}
}

// next is the next signal that comes within ten seconds, 0 if none does.
func next(t *testing.T, fd int) unix.Signal {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return 0
		}
		var b [1]byte
		if _, err := unix.Read(fd, b[:]); err != nil {
			t.Fatal(err)
		}
		return unix.Signal(b[0])
	}
}

// TestOpen: every signal that is not left alone can be read, the fatal ones and
// the real-time ones too, and the process lives on.
func TestOpen(t *testing.T) {
	fd, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	for sig := unix.Signal(1); sig <= last; sig++ {
		if left(sig) {
			continue
		}
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		if got := next(t, fd); got != sig {
			t.Errorf("sent %d, read %d", sig, got)
		}
	}
}

// TestLoad: signals that interrupt a busy program change nothing in it, and no
// real-time signal is lost.
func TestLoad(t *testing.T) {
	fd, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	const times = 2000
	done := make(chan bool)
	go func() {
		defer close(done)
		want := make([]int, 1000)
		for i := range want {
			want[i] = i * i
		}
		for range 2000 {
			got := make([]int, 0, 1)
			for i := range want {
				got = append(got, i*i)
			}
			if !slices.Equal(got, want) {
				t.Error("a computation went wrong")
				return
			}
		}
	}()
	for i := range times {
		sig := unix.Signal(34 + i%31)
		if err := unix.Kill(unix.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[unix.Signal]int{}
	for range times {
		seen[next(t, fd)]++
	}
	<-done
	for sig := unix.Signal(34); sig <= last; sig++ {
		if n := seen[sig]; n < times/31 {
			t.Errorf("signal %d came %d times", sig, n)
		}
	}
}
