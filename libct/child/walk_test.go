package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

// end fails on purpose, so that the slots can be looked at in peace.
func end(b *plan.Builder) {
	b.Add(plan.Chdir("/").ExpectError(unix.ENOENT, unix.ENODATA), plan.Execve("/", []string{"/"}, nil))
}

// ended runs the plan, which must come to its end.
func ended(t *testing.T, b *plan.Builder, inputs ...int64) *Process {
	t.Helper()
	end(b)
	c := start(t, b, inputs...)
	wait(t, c)
	if !errors.Is(c.Err(), unix.ENODATA) {
		t.Fatalf("the plan does not come to its end: %v", c.Err())
	}
	return c
}

// TestSkipped: an op that does not run is neither a success nor a failure, so
// that nothing that depends on it runs; an op that guards on its own slot leaves
// it as it was.
func TestSkipped(t *testing.T) {
	nowhere := func() plan.Op { return plan.Openat(plan.Cwd(), "/nowhere", 0, 0).Or(unix.ENOENT) }
	null := func() plan.Op { return plan.Openat(plan.Cwd(), "/dev/null", 0, 0) }
	ran := func() plan.Op { return plan.Umask(0o77) }
	b := plan.NewBuilder()
	bad, good, skip, after, keep, kept := b.Slot("bad"), b.Slot("good"), b.Slot("skip"), b.Slot("after"), b.Slot("keep"), b.Slot("kept")
	wrong1, wrong2, wrong3, wrong4 := b.Slot("wrong1"), b.Slot("wrong2"), b.Slot("wrong3"), b.Slot("wrong4")
	b.Add(nowhere().To(bad), null().To(good))
	b.Add(null().To(skip).If(bad))                                 // does not run
	b.Add(ran().To(wrong1).If(skip), ran().To(wrong2).IfNot(skip)) // nor do these
	b.Add(null().To(skip).IfNot(good), ran().To(wrong3).If(skip), ran().To(wrong4).IfNot(skip))
	b.Add(nowhere().To(keep), null().To(keep).IfNot(keep), nowhere().To(keep).IfNot(keep), ran().To(after).If(keep))
	b.Add(null().To(kept), nowhere().To(kept).IfNot(kept))
	c := ended(t, b)
	if got := c.Slot(bad); got != -int(unix.ENOENT) {
		t.Errorf("bad: %d", got)
	}
	for _, s := range []plan.Slot{good, after, keep, kept} {
		if c.Slot(s) < 0 {
			t.Errorf("slot %d did not succeed: %d", s, c.Slot(s))
		}
	}
	for _, s := range []plan.Slot{skip, wrong1, wrong2, wrong3, wrong4} {
		if v := c.Slot(s); uintptr(v) != skipped {
			t.Errorf("slot %d of a skipped op: %d", s, v)
		}
	}
	if _, ok := c.Named("skip"); ok {
		t.Error("a skipped op has a value")
	}
	if v, ok := c.Named("good"); !ok || v != c.Slot(good) {
		t.Errorf("good: %d %v", v, ok)
	}
	if _, ok := c.Named("nothing"); ok {
		t.Error("a slot that is not in the plan has a value")
	}
}

// TestToleratesFour: each of four tolerated errnos is, and no fifth.
func TestToleratesFour(t *testing.T) {
	all := []unix.Errno{unix.EPERM, unix.EBUSY, unix.EINVAL, unix.ENOENT}
	b := plan.NewBuilder()
	b.Add(plan.Chdir("/nowhere").Or(all...), plan.Chdir("/dev/null").Or(all...))
	end(b)
	c := start(t, b)
	wait(t, c)
	if err := c.Err(); c.Index() != 1 || !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("op %d: %v", c.Index(), err)
	}
}

// TestExpectations: a result, a byte and a failure that are not as they must be
// are reported as the errno given; a call that fails is reported as it is.
func TestExpectations(t *testing.T) {
	for name, c := range map[string]struct {
		op   plan.Op
		want unix.Errno
	}{
		"result":         {plan.Umask(0).Expect(1<<20, unix.EIO), unix.EIO},
		"byte":           {plan.Getcwd().ExpectByte('(', unix.EIO), unix.EIO},
		"success":        {plan.Chdir("/").ExpectError(unix.ENOTDIR, unix.EIO), unix.EIO},
		"other failure":  {plan.Chdir("/nowhere").ExpectError(unix.ENOTDIR, unix.EIO), unix.ENOENT},
		"failure":        {plan.Chdir("/nowhere").Expect(0, unix.EIO), unix.ENOENT},
		"right":          {plan.Chdir("/").Expect(0, unix.EIO), unix.ENODATA},
		"right byte":     {plan.Getcwd().ExpectByte('/', unix.EIO), unix.ENODATA},
		"right failure":  {plan.Chdir("/nowhere").ExpectError(unix.ENOENT, unix.EIO), unix.ENODATA},
		"told tolerated": {plan.Chdir("/nowhere").Or(unix.ENOENT).Expect(0, unix.EIO), unix.ENODATA},
	} {
		b := plan.NewBuilder()
		b.Add(c.op)
		end(b)
		p := start(t, b)
		wait(t, p)
		if !errors.Is(p.Err(), c.want) {
			t.Errorf("%s: %v, not %v", name, p.Err(), c.want)
		}
	}
}

// resolveCached is RESOLVE_CACHED: openat2 with O_CREAT answers EAGAIN at once.
const resolveCached = 0x20

// TestAgainForever: openat2 is not repeated without end.
func TestAgainForever(t *testing.T) {
	b := plan.NewBuilder()
	b.Add(plan.Openat2(plan.Cwd(), "/tmp/never-made", unix.O_CREAT|unix.O_WRONLY, 0o600, resolveCached))
	end(b)
	c := start(t, b)
	wait(t, c)
	if err := c.Err(); !errors.Is(err, unix.EAGAIN) || c.Index() != 0 {
		t.Errorf("%v", err)
	}
}

// TestAgain: while directories are renamed without a pause, openat2 with ".."
// below a root answers EAGAIN now and then; the child does not give up.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"/a", "/x"} {
		if err := os.Mkdir(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for from, to := dir+"/x", dir+"/y"; !stop.Load(); from, to = to, from {
			_ = os.Rename(from, to)
		}
	}()
	for range 5 {
		b := plan.NewBuilder()
		root, fd := b.Input("root"), b.Slot("fd")
		for range 300 {
			b.Add(plan.Openat2(plan.V(root), "a/../a/../a/../a", unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT).To(fd), plan.Close(fd))
		}
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		ended(t, b, int64(f.Fd()))
		f.Close()
	}
	stop.Store(true)
	<-done
}

// TestManyStrings: an environment of 100,000 strings arrives.
func TestManyStrings(t *testing.T) {
	env := make([]string, 100_000)
	for i := range env {
		env[i] = "V" + strconv.Itoa(i) + "=7"
	}
	b := plan.NewBuilder()
	b.Add(plan.Execve("/bin/sh", []string{"sh", "-c", "exit $V0$V99999"}, env))
	if got := wait(t, start(t, b)); got != 77 {
		t.Errorf("exit status %d", got)
	}
}

// TestStatusWithoutDescriptors: the page tells of a failure when every
// descriptor is closed.
func TestStatusWithoutDescriptors(t *testing.T) {
	b := plan.NewBuilder()
	b.Add(plan.CloseRange(0, false), plan.Chdir("/nowhere"), plan.Execve("/", []string{"/"}, nil))
	c := start(t, b)
	wait(t, c)
	if err := c.Err(); !errors.Is(err, unix.ENOENT) || c.Index() != 1 {
		t.Errorf("%v", err)
	}
}

// TestCloneFails: what clone3 refuses is Start's error.
func TestCloneFails(t *testing.T) {
	b := plan.NewBuilder()
	b.SetClone(unix.CLONE_NEWNS | unix.CLONE_FS)
	end(b)
	if c, err := Start(b.Plan(), nil, -1); !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v %v", c, err)
	}
}

// TestBusyRuntime starts children while the collector and many goroutines are
// at work: nothing of them may reach the child.
func TestBusyRuntime(t *testing.T) {
	var stop atomic.Bool
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for !stop.Load() {
				_ = fmt.Sprint(make([]byte, 1<<10))
				runtime.Gosched()
			}
		}()
	}
	for i := range 50 {
		b := plan.NewBuilder()
		b.Add(plan.UnblockSignals(0), plan.Execve("/bin/sh", []string{"sh", "-c", "exit $X"}, []string{"X=" + strconv.Itoa(i)}))
		if got := wait(t, start(t, b)); got != i {
			t.Errorf("exit status %d, not %d", got, i)
		}
		if i%10 == 0 {
			runtime.GC()
		}
	}
	stop.Store(true)
	for range 4 {
		<-done
	}
}

// TestParentDies: a child that waits at a barrier ends when its parent dies,
// by the end of the socket, and before that by its death signal.
func TestParentDies(t *testing.T) {
	for mode, want := range map[string]string{"barrier": "exit status 1", "signal": "signal: killed"} {
		// What the parent leaves becomes ours.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/exe", "-test.run", "^TestDyingParent$")
		cmd.Env = append(os.Environ(), "RT_DYING_PARENT="+mode)
		out, err := cmd.Output()
		if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("%v: %s", err, out)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			t.Fatalf("wait for %d: %v", pid, err)
		}
		got := "exit status " + strconv.Itoa(status.ExitStatus())
		if status.Signaled() {
			got = "signal: " + status.Signal().String()
		}
		if got != want {
			t.Errorf("%s: %s, not %s", mode, got, want)
		}
	}
}

// TestDyingParent is the parent of TestParentDies, in a process of its own.
func TestDyingParent(t *testing.T) {
	mode := os.Getenv("RT_DYING_PARENT")
	if mode == "" {
		return
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := plan.NewBuilder()
	sync := b.Input("sync")
	// The child must not hold our end, as close-on-exec keeps it from one that
	// is not execve'd yet.
	b.Add(plan.Dup3(sync, 0, 0).To(sync))
	if mode == "signal" {
		b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL), 0))
	} else {
		b.Add(plan.CloseRange(3, false))
	}
	b.Barrier(sync, 'b', "test")
	end(b)
	c, err := Start(b.Plan(), []int64{int64(pair[1])}, -1)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[1])
	if n, err := unix.Read(pair[0], make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	fmt.Println(c.Pid)
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
}
