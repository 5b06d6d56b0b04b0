package libct

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// execs are a running container, with a process to execute in it.
type execs struct {
	*place
	o ExecOptions
	// init is the container's, members are its cgroup's processes.
	init, members []string
}

// startBox starts a container of the variant that sleeps.
func startBox(t *testing.T, change func(*place, *specs.Spec)) *execs {
	t.Helper()
	p := newPlace(t)
	p.write(func(s *specs.Spec) {
		change(p, s)
		s.Process.Args = []string{"/bin/sleep", "1000"}
		s.Hooks = nil
		// The listener drops the terminal, which would be the container's end.
		s.Process.Terminal = false
	})
	if err := p.r.Create("box", CreateOptions{Bundle: p.bundle}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.r.edit = nil
		if err := p.r.Delete("box", true); err != nil {
			t.Error(err)
		}
		p.reap()
	})
	if err := p.r.Start("box"); err != nil {
		t.Fatal(err)
	}
	x := &execs{place: p, o: ExecOptions{Detach: true, ConsoleSocket: p.console, PidFile: p.dir + "/pid"}}
	x.o.Process = func(own *specs.Process) (*specs.Process, error) {
		own.Args, own.Terminal = []string{"sleep", "1000"}, p.console != ""
		return own, nil
	}
	if _, err := p.r.Exec("box", x.o); err != nil { // what is made once and kept is there now
		t.Fatal(err)
	}
	x.killExtra()
	x.init, x.members = p.ours(), x.procs()
	if len(x.init) != 1 || len(x.members) != 1 {
		t.Fatalf("children %v, processes %v", x.init, x.members)
	}
	p.begin()
	return x
}

// procs are the processes of the container's cgroup.
func (x *execs) procs() []string {
	for _, dir := range x.cgroups() {
		text, err := os.ReadFile(dir + "/box/cgroup.procs")
		if err != nil {
			x.t.Fatal(err)
		}
		if list := strings.Fields(string(text)); len(list) > 0 {
			return list
		}
	}
	return nil
}

// killExtra ends what the pid file names.
func (x *execs) killExtra() {
	x.t.Helper()
	text, err := os.ReadFile(x.o.PidFile)
	if err != nil {
		x.t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil || !slices.Contains(x.procs(), strconv.Itoa(pid)) && x.console == "" {
		x.t.Fatalf("%q is not in the container: %v", text, x.procs())
	}
	// The end of its terminal may have been the process's.
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		x.t.Fatal(err)
	}
	_, _ = unix.Wait4(pid, nil, 0, nil)
	if err := os.Remove(x.o.PidFile); err != nil {
		x.t.Fatal(err)
	}
}

// nothing fails the test if a failed exec has left anything.
func (x *execs) nothing(when string) {
	x.t.Helper()
	if fds := x.openFiles(); !slices.Equal(fds, x.fds) {
		x.t.Errorf("%s: descriptors left: %v, before: %v", when, fds, x.fds)
	}
	if c := x.ours(); !slices.Equal(c, x.init) {
		x.t.Errorf("%s: children %v, before: %v", when, c, x.init)
	}
	if m := x.procs(); !slices.Equal(m, x.members) {
		x.t.Errorf("%s: processes %v, before: %v", when, m, x.members)
	}
	if _, err := os.Stat(x.o.PidFile); err == nil {
		x.t.Errorf("%s: the pid file is left", when)
	}
	if x.t.Failed() {
		x.t.FailNow()
	}
}

// TestFailpointExec makes the child fail before every op of exec in turn: exec
// says at which, and nothing is left.
func TestFailpointExec(t *testing.T) {
	for _, name := range []string{"user", "userns", "time offsets", "terminal"} {
		t.Run(name, func(t *testing.T) {
			x := startBox(t, variants[name])
			for i, n := 0, 1; i < n; i++ {
				ops := x.failAt(i)
				when := "failpoint " + strconv.Itoa(i)
				_, err := x.r.Exec("box", x.o)
				if n = *ops; !failedAt(err, i) {
					t.Errorf("%s: %v", when, err)
				}
				x.nothing(when)
			}
			x.r.edit = nil
			if _, err := x.r.Exec("box", x.o); err != nil {
				t.Fatal(err)
			}
			x.killExtra()
		})
	}
}

// TestExecKilled kills the child from outside at every seventh op.
func TestExecKilled(t *testing.T) {
	for _, name := range []string{"terminal", "userns"} {
		t.Run(name, func(t *testing.T) {
			x := startBox(t, variants[name])
			for i, n := 0, 1; i < n; i += 7 {
				x.r.edit = func(pl *plan.Plan) {
					n = len(pl.Ops)
					pl.Ops = slices.Insert(pl.Ops, i, pause)
				}
				done := make(chan struct{})
				go x.killPaused(done)
				_, err := x.r.Exec("box", x.o)
				close(done)
				when := "killed at " + strconv.Itoa(i)
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("was killed by killed at op %d pause()", i)) {
					t.Errorf("%s: %v", when, err)
				}
				x.nothing(when)
			}
		})
	}
}

// TestExecContainerEnds: when the container ends while a process enters it, exec
// says so, at whatever op that is.
func TestExecContainerEnds(t *testing.T) {
	x := startBox(t, variants["plain"])
	n := 0
	x.r.edit = func(pl *plan.Plan) { n = len(pl.Ops) }
	if _, err := x.r.Exec("box", x.o); err != nil {
		t.Fatal(err)
	}
	x.killExtra()
	init, _ := strconv.Atoi(x.init[0])
	for i := 0; i < n; i += 9 {
		x.r.edit = func(pl *plan.Plan) { pl.Ops = slices.Insert(pl.Ops, i, pause) }
		ended := make(chan error)
		go func() {
			_, err := x.r.Exec("box", x.o)
			ended <- err
		}()
		pid := x.paused()
		if err := unix.Kill(init, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		// Init's end takes the process with it once that is in its pid namespace.
		_ = unix.Kill(pid, unix.SIGKILL)
		if err := <-ended; err != ErrExecStopped {
			t.Errorf("op %d: %v", i, err)
		}
		x.r.edit = nil
		_, _ = unix.Wait4(init, nil, 0, nil)
		if _, err := x.r.Exec("box", x.o); err != ErrExecStopped {
			t.Errorf("after op %d: %v", i, err)
		}
		if err := x.r.Delete("box", false); err != nil {
			t.Fatal(err)
		}
		if err := x.r.Create("box", CreateOptions{Bundle: x.bundle}); err != nil {
			t.Fatal(err)
		}
		if err := x.r.Start("box"); err != nil {
			t.Fatal(err)
		}
		x.init = x.ours()
		init, _ = strconv.Atoi(x.init[0])
	}
}

// paused waits for the process that is in pause, and returns its pid.
func (x *execs) paused() int {
	for end := time.Now().Add(time.Minute); ; {
		if time.Now().After(end) {
			x.t.Fatal("no process is in pause")
		}
		for _, pid := range x.ours() {
			call, _ := os.ReadFile("/proc/" + pid + "/syscall")
			if strings.HasPrefix(string(call), strconv.Itoa(unix.SYS_PPOLL)+" ") && !slices.Contains(x.init, pid) {
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
}

// TestExecKeepsWhatCreateSaw: a config.json that is changed or gone changes
// nothing for the processes to come, and what a process leaves out it has of the
// container's.
func TestExecKeepsWhatCreateSaw(t *testing.T) {
	x := startBox(t, func(_ *place, s *specs.Spec) {
		mask, adj := uint32(0o27), 7
		s.Root.Readonly = false
		s.Process.Env = append(s.Process.Env, "KEPT=1")
		s.Process.User.Umask, s.Process.OOMScoreAdj = &mask, &adj
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 3 * 512, Hard: 5 * 512}}
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}}
	})
	if err := os.Remove(x.bundle + "/config.json"); err != nil {
		t.Fatal(err)
	}
	ask := func(script string, process *specs.Process) string {
		t.Helper()
		out := x.bundle + "/rootfs/tmp/out"
		args := []string{"sh", "-c", "{ " + script + "; } >/tmp/out"}
		o := x.o
		o.Process = func(own *specs.Process) (*specs.Process, error) {
			if process != nil {
				own = process
			}
			own.Args = args
			return own, nil
		}
		if _, err := x.r.Exec("box", o); err != nil {
			t.Fatal(err)
		}
		pid, err := os.ReadFile(o.PidFile)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(string(pid))
		var status unix.WaitStatus
		if _, err := unix.Wait4(n, &status, 0, nil); err != nil || status != 0 {
			t.Fatal(status, err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	script := `umask; ulimit -c; busybox cat /proc/self/oom_score_adj; busybox grep CapBnd /proc/self/status; echo $KEPT`
	const rest = "0027\n3\n7\nCapBnd:\t0000000000000020\n"
	if got := ask(script, nil); got != rest+"1\n" {
		t.Errorf("own: %q", got)
	}
	other := &specs.Process{Cwd: "/", Env: []string{"PATH=/bin"}}
	if got := ask(script, other); got != rest+"\n" {
		t.Errorf("another: %q", got)
	}
}
