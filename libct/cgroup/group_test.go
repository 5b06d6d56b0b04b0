package cgroup

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// long bounds what takes milliseconds on an idle machine.
const long = 20 * time.Second

// The hosts that this one can stand for.
var hosts = []struct {
	name string
	of   func(Layout) Layout
}{
	{"host", func(l Layout) Layout { return l }},
	{"v1", func(l Layout) Layout { return only(l, false) }},
	{"v2", func(l Layout) Layout { return only(l, true) }},
}

func only(l Layout, v2 bool) Layout {
	var kept Layout
	for _, h := range l.Hierarchies {
		if h.V2 == v2 {
			if l.Mode() == ModeHybrid {
				// Enabling what the host keeps for v2 would change the host.
				h.Controllers = slices.DeleteFunc(slices.Clone(h.Controllers), func(string) bool { return v2 })
			}
			kept.Hierarchies = append(kept.Hierarchies, h)
		}
	}
	return kept
}

func probe(t testing.TB) Layout {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	l, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	if l.Mode() == ModeNone {
		t.Skip("host: no cgroup hierarchy is mounted")
	}
	return l
}

// onHosts runs a test as on each kind of host.
func onHosts(t *testing.T, test func(t *testing.T, l Layout)) {
	all := probe(t)
	for _, h := range hosts {
		l := h.of(all)
		t.Run(h.name, func(t *testing.T) {
			if l.Mode() == ModeNone {
				t.Skip("host: has no such hierarchy")
			}
			test(t, l)
		})
	}
}

var groups atomic.Int32

// newGroup resolves a name below this test's own parent, which is removed in
// the end.
func newGroup(t testing.TB, l Layout) *Group {
	t.Helper()
	parent := "/rt-test-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(int(groups.Add(1)))
	top, err := New(l, parent, "", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(top.Kill(), top.Wait(long), top.Delete(long)); err != nil {
			t.Error(err)
		}
	})
	return top.sub("c")
}

func create(t testing.TB, g *Group, r *resources) {
	t.Helper()
	if err := g.Create(r); err != nil {
		if errors.Is(err, unix.EROFS) {
			t.Skip("host: cgroups are read-only")
		}
		t.Fatal(err)
	}
}

// spawn starts a command in the group as a container is started: cloned
// into v2, and in v1 before it runs.
func spawn(t testing.TB, g *Group, name string, args ...string) *exec.Cmd {
	t.Helper()
	// The shell waits until it is everywhere; no process is left if the
	// test dies, since its input ends.
	cmd := exec.Command("/bin/sh", append([]string{"-c", `read go && exec "$@"`, "sh", name}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := g.Fd()
	if err != nil {
		t.Fatal(err)
	}
	if fd >= 0 {
		defer unix.Close(fd)
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	for _, file := range g.TaskFiles() {
		if err := os.WriteFile(file, []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestProbeFindsOwnCgroup(t *testing.T) {
	for _, h := range probe(t).Hierarchies {
		own, ok := h.ownDir()
		if !ok {
			continue
		}
		pids, err := procs(own)
		if err != nil || !slices.Contains(pids, os.Getpid()) {
			t.Errorf("%v: not in %s: %v", h.Controllers, own, err)
		}
	}
}

func TestCreateAndUndo(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l).sub("d/e")
		create(t, g, nil)
		for i := range g.dirs {
			d := &g.dirs[i]
			if st, err := os.Stat(d.path); err != nil || !st.IsDir() {
				t.Fatalf("%v", err)
			}
			if d.has("cpuset") && !d.V2 {
				if cpus, err := readKnob(d.path, "cpuset.cpus"); err != nil || cpus == "" {
					t.Errorf("cpuset.cpus: %q, %v", cpus, err)
				}
			}
		}
		// A neighbour keeps its directory, and with it the parent's.
		other := g.sub("f")
		other.dirs = slices.Clone(g.dirs)
		for i := range other.dirs {
			d := &other.dirs[i]
			d.path, d.made = strings.TrimSuffix(d.path, "/e")+"/f", 0
		}
		create(t, other, nil)
		for range 2 {
			if err := g.Undo(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range g.dirs {
			if _, err := os.Stat(g.dirs[i].path); !os.IsNotExist(err) {
				t.Errorf("%s is left: %v", g.dirs[i].path, err)
			}
			if _, err := os.Stat(other.dirs[i].path); err != nil {
				t.Error(err)
			}
		}
		if err := other.Undo(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestNeighboursShareAParent: making and undoing beside one another, below a
// parent that comes and goes, disturbs nobody.
func TestNeighboursShareAParent(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		top := newGroup(t, l)
		create(t, top, nil)
		done := make(chan error)
		for i := range 4 {
			go func() {
				var err error
				for range 20 {
					g := top.sub("p/q/" + strconv.Itoa(i))
					err = errors.Join(err, g.Create(nil), g.Undo())
				}
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestUndoLeavesWhatWasThere(t *testing.T) {
	g := newGroup(t, probe(t))
	create(t, g, nil)
	again, err := FromPaths(probe(t), g.Paths(), false)
	if err != nil {
		t.Fatal(err)
	}
	create(t, again, nil)
	if err := again.Undo(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range g.Paths() {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestCreateRefusesAGroupInUse(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l)
		create(t, g, nil)
		cmd := spawn(t, g, "cat")
		again, err := FromPaths(l, g.Paths(), false)
		if err != nil {
			t.Fatal(err)
		}
		var inUse *NotEmptyError
		if err := again.Create(nil); !errors.As(err, &inUse) || inUse.Procs != 1 ||
			!strings.HasPrefix(err.Error(), "container's cgroup is not empty: 1 process(es) found") {
			t.Errorf("with a process: %v", err)
		}
		if err := errors.Join(g.Kill(), g.Wait(long)); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		if err := again.Create(nil); !errors.Is(err, ErrFrozen) {
			t.Errorf("frozen: %v", err)
		}
		if err := g.Thaw(); err != nil {
			t.Fatal(err)
		}
		if err := again.Create(nil); err != nil {
			t.Errorf("empty and thawed: %v", err)
		}
	})
}

func TestFreezeAndThaw(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l)
		create(t, g, nil)
		// Forks all the time: the case in which v1 needs several requests.
		cmd := spawn(t, g, "sh", "-c", "while :; do /bin/true; done")
		check := func(want bool) {
			t.Helper()
			if frozen, err := FrozenIn(g.Paths()); err != nil || frozen != want {
				t.Errorf("FrozenIn: %v, %v, want %v", frozen, err, want)
			}
			if frozen, err := g.Frozen(); err != nil || frozen != want {
				t.Fatalf("frozen: %v, %v", frozen, err)
			}
		}
		check(false)
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		check(true)
		before := ticks(t, cmd.Process.Pid)
		if err := g.Thaw(); err != nil {
			t.Fatal(err)
		}
		check(false)
		// It must run on: bounded waiting for its CPU time to grow.
		for deadline := soon(long); ticks(t, cmd.Process.Pid) == before; {
			if time.Now().After(deadline) {
				t.Fatal("does not run after Thaw")
			}
			time.Sleep(time.Millisecond)
		}
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(g.Kill(), g.Wait(long), g.Delete(long)); err != nil {
			t.Fatalf("kill while frozen: %v", err)
		}
		check(false)
	})
}

// ticks returns the times of a process and its children from /proc/PID/stat.
func ticks(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	return strings.Join(fields[7:15], " ")
}

func TestKillEndsEverything(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l)
		create(t, g, nil)
		// In v2 only leaves have processes.
		sub, leaf := g.sub("a/b"), g.sub("c")
		create(t, sub, nil)
		create(t, leaf, nil)
		cmds := []*exec.Cmd{
			spawn(t, leaf, "cat"),
			spawn(t, sub, "cat"),
			spawn(t, leaf, "sh", "-c", "trap '' TERM HUP INT; while :; do /bin/true & done"),
		}
		stranger := exec.Command("cat")
		in, err := stranger.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(g.Kill(), g.Wait(long)); err != nil {
			t.Fatal(err)
		}
		if pids, err := g.Procs(); err != nil || len(pids) != 0 {
			t.Errorf("left: %v, %v", pids, err)
		}
		for _, cmd := range cmds {
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Errorf("ended by %v", err)
			}
		}
		in.Close()
		if err := stranger.Wait(); err != nil {
			t.Errorf("a process outside was hit: %v", err)
		}
		if err := g.Delete(long); err != nil {
			t.Fatal(err)
		}
		for _, dir := range g.Paths() {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s is left", dir)
			}
		}
		if err := errors.Join(g.Kill(), g.Wait(long), g.Delete(long)); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestProcsHoldsSignal(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l)
		create(t, g, nil)
		sub, leaf := g.sub("a/b"), g.sub("c")
		create(t, sub, nil)
		create(t, leaf, nil)
		other := newGroup(t, l)
		create(t, other, nil)
		a, b, c := spawn(t, leaf, "cat"), spawn(t, sub, "cat"), spawn(t, other, "cat")
		pids, err := g.Procs()
		slices.Sort(pids)
		want := []int{a.Process.Pid, b.Process.Pid}
		slices.Sort(want)
		if err != nil || !slices.Equal(pids, want) {
			t.Errorf("Procs: %v, %v, want %v", pids, err, want)
		}
		for pid, want := range map[int]bool{
			a.Process.Pid: true, b.Process.Pid: true, c.Process.Pid: false, os.Getpid(): false, 1: false, 1 << 30: false,
		} {
			if held, err := g.Holds(pid); err != nil || held != want {
				t.Errorf("Holds(%d): %v, %v", pid, held, err)
			}
		}
		if err := g.Signal(unix.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := g.Wait(long); err != nil {
			t.Fatal(err)
		}
		if held, err := other.Holds(c.Process.Pid); err != nil || !held {
			t.Errorf("the neighbour's process is gone: %v", err)
		}
	})
}

func TestDeadlinesNameWhatIsLeft(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		g := newGroup(t, l)
		create(t, g, nil)
		pid := strconv.Itoa(spawn(t, g, "cat").Process.Pid)
		if err := g.Wait(time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("Wait: %v", err)
		}
		err := g.Delete(time.Millisecond)
		if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "1 process(es) left: "+pid) {
			t.Errorf("Delete: %v", err)
		}
	})
}

func TestDeleteDeepTree(t *testing.T) {
	l := only(probe(t), true)
	if l.Mode() == ModeNone {
		l = probe(t)
	}
	g := newGroup(t, l)
	create(t, g.sub(strings.Repeat("d/", 200)+"e"), nil)
	create(t, g.sub(strings.Repeat("d/", 100)+"f"), nil)
	if err := g.Delete(long); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.dirs[0].path); !os.IsNotExist(err) {
		t.Errorf("left: %v", err)
	}
}

// TestMkdirFailureIsUndone makes the last hierarchy fail.
func TestMkdirFailureIsUndone(t *testing.T) {
	g := newGroup(t, probe(t))
	bad := Hierarchy{Controllers: []string{"x"}, Mount: "/proc", Root: "/", Own: "/"}
	g.dirs = append(g.dirs, dir{Hierarchy: bad, path: "/proc/rt-no/x"})
	if err := g.Create(nil); err == nil || !strings.HasPrefix(err.Error(), "mkdir /proc/rt-no") {
		t.Fatalf("%v", err)
	}
	for _, dir := range g.Paths() {
		if _, err := os.Stat(strings.TrimSuffix(dir, "/c")); !os.IsNotExist(err) {
			t.Errorf("%s is left", dir)
		}
	}
}
