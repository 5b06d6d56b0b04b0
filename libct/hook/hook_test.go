package hook

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// shell is a hook that runs a script; the rest of args is the script's.
func shell(script string, args ...string) *specs.Hook {
	return &specs.Hook{Path: "/bin/sh", Args: append([]string{"sh", "-c", script, "sh"}, args...)}
}

func within(h *specs.Hook, seconds int) *specs.Hook {
	h.Timeout = &seconds
	return h
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStateArgsAndEnvironment(t *testing.T) {
	t.Setenv("HOOK_TEST", "inherited")
	out := filepath.Join(t.TempDir(), "out")
	const script = `{ cat; echo " $0 $1 ${HOOK_TEST-unset} ${OWN-unset}"; } >"$1"`
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, "inherited unset"},
		{[]string{}, "unset unset"},
		{[]string{"OWN=x"}, "unset x"},
	} {
		h := shell(script, out)
		h.Env = c.env
		if err := Run("poststart", 0, h, []byte(`{"id":"c"}`)); err != nil {
			t.Error(err)
		}
		if got, want := read(t, out), `{"id":"c"} sh `+out+" "+c.want+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestArgumentZero(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := Run("poststop", 0, &specs.Hook{Path: "/bin/sh", Args: []string{"zero", "-c", `echo $0 >` + out}}, nil); err != nil {
		t.Error(err)
	}
	if got := read(t, out); got != "zero\n" {
		t.Errorf("argument zero %q", got)
	}
	if err := Run("poststop", 0, &specs.Hook{Path: "/bin/true"}, nil); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("x", keep)
	for _, c := range []struct {
		hook *specs.Hook
		want string
	}{
		{shell("echo out; echo err >&2; exit 3"), "exit status 3, stdout: out\n, stderr: err\n"},
		{shell("kill -TERM $$"), "signal: terminated, stdout: , stderr: "},
		{shell("head -c 5000 /dev/zero | tr '\\000' x; exit 1"), "exit status 1, stdout: " + long + "…, stderr: "},
		{&specs.Hook{Path: "/nonexistent"}, "fork/exec /nonexistent: no such file or directory"},
		{&specs.Hook{Path: "/etc/passwd"}, "fork/exec /etc/passwd: permission denied"},
		{&specs.Hook{Path: "true"}, `path "true" is not absolute`},
		{&specs.Hook{}, `path "" is not absolute`},
		{within(shell("true"), 0), "timeout 0 is not greater than zero"},
		{within(shell("true"), -5), "timeout -5 is not greater than zero"},
	} {
		err := Run("createRuntime", 2, c.hook, nil)
		if want := "error running createRuntime hook #2: " + c.want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestRunAllStopsAtTheFirstFailure(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	hooks := []specs.Hook{*shell(`echo a >>"$1"`, out), *shell(`echo b >>"$1"; exit 1`, out), *shell(`echo c >>"$1"`, out)}
	err := RunAll("prestart", hooks, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "error running prestart hook #1: ") {
		t.Errorf("error %v", err)
	}
	if got := read(t, out); got != "a\nb\n" {
		t.Errorf("ran %q", got)
	}
}

// A state larger than a pipe reaches a hook that reads slowly or not at all.
func TestStateLargerThanAPipe(t *testing.T) {
	state := []byte(strings.Repeat("s", 1<<20))
	out := filepath.Join(t.TempDir(), "out")
	if err := Run("prestart", 0, shell(`wc -c >"$1"`, out), state); err != nil {
		t.Error(err)
	}
	if got := strings.TrimSpace(read(t, out)); got != "1048576" {
		t.Errorf("%s bytes arrived", got)
	}
	for _, script := range []string{"true", "exec <&-; true", "head -c 1 >/dev/null"} {
		if err := Run("prestart", 0, shell(script), state); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestFloodOfOutput(t *testing.T) {
	const flood = "dd if=/dev/zero bs=1M count=256 2>/dev/null; dd if=/dev/zero bs=1M count=256 >&2 2>/dev/null; "
	if err := Run("prestart", 0, shell(flood), nil); err != nil {
		t.Error(err)
	}
	err := Run("prestart", 0, shell(flood+"exit 1"), nil)
	if err == nil || len(err.Error()) < 2*keep || len(err.Error()) > 2*keep+200 {
		t.Errorf("error %.80q", err)
	}
}

// A timeout kills the hook and what it has started.
func TestTimeout(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	begin := time.Now()
	err := Run("createRuntime", 0, within(shell(`sleep 1000 & echo $! >"$1"; wait`, out), 1), nil)
	if took := time.Since(begin); took < time.Second || took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if want := "error running createRuntime hook #0: hook ran past specified timeout of 1.0s"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if !errors.Is(err, ErrTimeout) {
		t.Error("error is not ErrTimeout")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, out)))
	if err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, pid)
	if err := Run("createRuntime", 0, within(shell("true"), 1<<62), nil); err != nil {
		t.Errorf("timeout without end: %v", err)
	}
}

// awaitEnd waits until a process that is not our child has ended.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH || err == unix.EINVAL {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			t.Errorf("process %d still runs: %v", pid, err)
		}
		return
	}
}

// What a hook leaves behind is not waited for, though it holds the pipes.
func TestDaemon(t *testing.T) {
	dir := t.TempDir()
	fifo, out := filepath.Join(dir, "fifo"), filepath.Join(dir, "out")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	script := `setsid sh -c 'read x <"$0"; echo "$x" >"$1"; echo done >"$0"' "$1" "$2" & echo started; exit 1`
	err := Run("poststart", 0, within(shell(script, fifo, out), 60), nil)
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 1, stdout: started\n, stderr: ") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(fifo, []byte("alive\n"), 0); err != nil {
		t.Error(err)
	}
	if got := read(t, fifo); got != "done\n" { // opening it waits for the daemon
		t.Errorf("the daemon said %q", got)
	}
	if got := read(t, out); got != "alive\n" {
		t.Errorf("the daemon wrote %q", got)
	}
}

func TestNothingIsLeftOpen(t *testing.T) {
	count := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	hooks := []*specs.Hook{shell("true"), shell("exit 1"), {Path: "/nonexistent"}}
	run := func() {
		for _, h := range hooks {
			_ = Run("prestart", 0, h, []byte("x"))
		}
	}
	run()
	before := count()
	for range 5 {
		run()
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors, then %d", before, after)
	}
}

func BenchmarkRun(b *testing.B) {
	h := &specs.Hook{Path: "/bin/true"}
	for b.Loop() {
		if err := Run("prestart", 0, h, []byte("{}")); err != nil {
			b.Fatal(err)
		}
	}
}
