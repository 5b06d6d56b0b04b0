package store

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const tail = " S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 0 0\n"
	for _, line := range []string{"7 (sh)" + tail, "7 ()" + tail, "7 (a) R 1 (b)" + tail, "7 (((" + ")" + tail} {
		if st, ok := parseStat(line); !ok || st != (Stat{'S', 987654321}) {
			t.Errorf("%q: %v, %t", line, st, ok)
		}
	}
	for _, line := range []string{"", "7 (sh", "7 (sh)", "7 (sh) S 1 2", "7 (sh) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 x 0"} {
		if st, ok := parseStat(line); ok {
			t.Errorf("%q: %v", line, st)
		}
	}
}

func TestProcess(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	st, err := ReadStat(pid)
	if err != nil || st.Dead() || st.StartTime == 0 {
		t.Fatalf("stat %v, %v", st, err)
	}
	alive := func(want bool, start uint64) {
		t.Helper()
		if got, err := Alive(pid, start); err != nil || got != want {
			t.Errorf("alive %t, %v; want %t", got, err, want)
		}
		fd, err := OpenProcess(pid, start)
		if want != (err == nil) || !want && !errors.Is(err, ErrNotRunning) {
			t.Errorf("open: %v; want alive %t", err, want)
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
	alive(true, st.StartTime)
	alive(false, st.StartTime+1)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	// Wait for the end, but leave the zombie.
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if st, err := ReadStat(pid); err != nil || !st.Dead() {
		t.Errorf("zombie: %v, %v", st, err)
	}
	alive(false, st.StartTime)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	alive(false, st.StartTime)
	for _, pid := range []int{0, -1} {
		if ok, err := Alive(pid, 1); ok || err != nil {
			t.Errorf("pid %d: %t, %v", pid, ok, err)
		}
		if _, err := OpenProcess(pid, 1); !errors.Is(err, ErrNotRunning) {
			t.Errorf("pid %d: %v", pid, err)
		}
	}
	if st, err := ReadStat(os.Getpid()); err != nil || st.Dead() {
		t.Errorf("own: %v, %v", st, err)
	}
}
