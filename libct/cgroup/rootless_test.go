package cgroup

import (
	"errors"
	"os"
	"path"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const nobody = 65534

// asNobody runs f on a thread of its own that has no privileges any more.
// The thread ends with f, since it is never unlocked.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan unix.Errno)
	go func() {
		runtime.LockOSThread()
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
		if errno == 0 {
			f()
		}
		done <- errno
	}()
	if errno := <-done; errno != 0 {
		t.Fatalf("setresuid: %v", errno)
	}
}

func TestRootlessWithoutPermission(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		limits := &resources{Pids: &specs.LinuxPids{Limit: ptr(int64(9))}, Devices: DeviceRules(nil)}
		asNobody(t, func() {
			g, err := New(l, "", "rt-test-rootless", true)
			if err != nil {
				t.Error(err)
				return
			}
			if err := g.Create(nil); err != nil {
				t.Errorf("no limits, no path: %v", err)
			}
			if n := len(g.Paths()) + len(g.TaskFiles()); n != 0 {
				t.Errorf("%d directories without permission", n)
			}
			if fd, err := g.Fd(); fd != -1 || err != nil {
				t.Errorf("Fd: %d, %v", fd, err)
			}
			if err := g.Apply(&resources{Devices: DeviceRules(nil), Pids: &specs.LinuxPids{Limit: ptr(int64(-1))}}); err != nil {
				t.Errorf("nothing to limit: %v", err)
			}
			err = errors.Join(g.Create(limits), g.Apply(limits))
			if err == nil {
				t.Error("a limit is silently not applied")
			}
			if l.Version("pids") == 1 && !strings.Contains(err.Error(), "cannot set pids limit: container could not join or create cgroup") {
				t.Error(err)
			}
			if l.Mode() == ModeUnified && !strings.Contains(err.Error(), "rootless needs no limits + no cgrouppath when no permission is granted for cgroups") {
				t.Error(err)
			}
			if err := errors.Join(g.Kill(), g.Delete(long), g.Undo()); err != nil {
				t.Errorf("nothing to remove: %v", err)
			}
			named, err := New(l, "/rt-test-rootless", "x", true)
			if err != nil {
				t.Error(err)
				return
			}
			if err := named.Create(nil); !errors.Is(err, os.ErrPermission) {
				t.Errorf("a path that is named: %v", err)
			}
		})
	})
}

// TestRootlessDelegated gives a subtree away as systemd does with
// Delegate=yes (cgroup-v2.rst, "Model of Delegation").
func TestRootlessDelegated(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		top := newGroup(t, l)
		create(t, top, nil)
		for _, dir := range top.Paths() {
			// Reachable also under a strict umask.
			err := errors.Join(os.Chmod(path.Dir(dir), 0o755), os.Chown(dir, nobody, nobody))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"cgroup.procs", "cgroup.subtree_control", "tasks"} {
				if err := os.Chown(dir+"/"+file, nobody, nobody); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
		}
		asNobody(t, func() {
			g := top.sub("own/x")
			g.rootless = true
			r := &resources{Pids: &specs.LinuxPids{Limit: ptr(int64(9))}}
			if l.Version("pids") == 0 {
				r = nil
			}
			if err := errors.Join(g.Create(r), g.Apply(r), g.Freeze(), g.Thaw(), g.Kill(), g.Wait(long), g.Undo()); err != nil {
				t.Error(err)
			}
		})
		for _, dir := range top.Paths() {
			if _, err := os.Stat(dir + "/own"); !os.IsNotExist(err) {
				t.Errorf("%s/own is left", dir)
			}
		}
	})
}
