package child

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

func start(t *testing.T, b *plan.Builder, inputs ...int64) *Process {
	t.Helper()
	p := b.Plan()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	c, err := Start(p, inputs, -1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func wait(t *testing.T, c *Process) int {
	t.Helper()
	var status unix.WaitStatus
	if _, err := unix.Wait4(c.Pid, &status, 0, nil); err != nil {
		t.Fatal(err)
	}
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func TestExec(t *testing.T) {
	b := plan.NewBuilder()
	b.Add(plan.Execve("/bin/sh", []string{"sh", "-c", "exit $X"}, []string{"X=42"}))
	if got := wait(t, start(t, b)); got != 42 {
		t.Fatalf("exit status %d", got)
	}
}

func TestFailureNamesTheOp(t *testing.T) {
	b := plan.NewBuilder()
	b.Step("nothing")
	b.Add(plan.Umask(0o22))
	b.Step("go nowhere")
	b.Add(plan.Chdir("/nowhere/at/all"))
	b.Add(plan.Execve("/bin/true", []string{"true"}, nil))
	c := start(t, b)
	if got := wait(t, c); got != 1 {
		t.Fatalf("exit status %d", got)
	}
	var e *plan.OpError
	if err := c.Err(); !errors.As(err, &e) || e.Index != 1 || e.Errno != unix.ENOENT {
		t.Fatalf("%v", err)
	}
}

func TestGuardsSlotsAndWants(t *testing.T) {
	b := plan.NewBuilder()
	bad, good := b.Slot("bad"), b.Slot("good")
	b.Add(plan.Openat(plan.Cwd(), "/nowhere", 0, 0).To(bad).Or(unix.ENOENT))
	b.Add(plan.Openat(plan.Cwd(), "/dev/zero", 0, 0).To(good).IfNot(bad))
	b.Add(plan.Chdir("/also/nowhere").If(bad))
	b.Add(plan.Read(good, 8).ExpectByte(0, unix.EPROTO))
	b.Add(plan.Chdir("/nowhere").ExpectError(unix.ENOENT, unix.EEXIST))
	b.Add(plan.Getcwd().ExpectByte('!', unix.EPROTO))
	c := start(t, b)
	wait(t, c)
	if got := c.Slot(bad); got != -int(unix.ENOENT) {
		t.Errorf("slot of the tolerated failure: %d", got)
	}
	var e *plan.OpError
	if !errors.As(c.Err(), &e) || e.Index != 5 || e.Errno != unix.EPROTO {
		t.Errorf("%v", c.Err())
	}
}

// TestCloneGoesOnInASibling, with a copy of the memory and with the memory
// itself: the pid is known before the sibling is.
func TestCloneGoesOnInASibling(t *testing.T) {
	for i := range 40 {
		var pair [2]int
		if err := unix.Pipe2(pair[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		b := plan.NewBuilder()
		pid, out := b.Slot("pid"), b.Input("out")
		b.Add(plan.CloneParent(uint64(i%2)*unix.CLONE_VM, pid))
		b.Add(plan.Write(plan.V(out), []byte("x")), plan.Execve("/bin/sh", []string{"sh", "-c", "exit 7"}, nil))
		c := start(t, b, -1, int64(pair[1]))
		unix.Close(pair[1])
		if n, err := unix.Read(pair[0], make([]byte, 1)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		unix.Close(pair[0])
		if c.Slot(pid) <= 0 {
			t.Fatalf("pid %d", c.Slot(pid))
		}
		if got := wait(t, c); got != 0 {
			t.Fatalf("the first process exits with %d", got)
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(c.Slot(pid), &status, 0, nil); err != nil || status.ExitStatus() != 7 {
			t.Fatalf("pid %d: %v %v", c.Slot(pid), err, status)
		}
	}
}

// TestCloneFailsInTheMiddle: a Clone op's failure is the op's.
func TestCloneFailsInTheMiddle(t *testing.T) {
	b := plan.NewBuilder()
	b.Add(plan.CloneParent(unix.CLONE_NEWNS|unix.CLONE_FS, b.Slot("pid")))
	end(b)
	c := start(t, b)
	wait(t, c)
	if err := c.Err(); !errors.Is(err, unix.EINVAL) || c.Index() != 0 {
		t.Errorf("%v", err)
	}
	if _, ok := c.Named("pid"); ok {
		t.Error("there is a pid")
	}
}

func TestStatusDescriptor(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	b := plan.NewBuilder()
	status := b.Input("status")
	b.SetStatus(status)
	b.Add(plan.Umask(0), plan.Execve("/nowhere", []string{"x"}, nil))
	c := start(t, b, int64(fds[1]))
	unix.Close(fds[1])
	wait(t, c)
	buf := make([]byte, 64)
	n, _ := unix.Read(fds[0], buf)
	if i, e, ok := ParseStatus(buf[:n]); !ok || i != 1 || e != unix.ENOENT {
		t.Fatalf("%d %v %v", i, e, ok)
	}
}
