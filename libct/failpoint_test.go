package libct

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
	"rt/libct/spec"
)

// place is a bundle, a root and a parent cgroup of a test's own, and tells what
// is left in them.
type place struct {
	t       *testing.T
	r       *Runtime
	dir     string
	bundle  string
	parent  string
	console string
	fds     []string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("host: no busybox")
	}
	// The container's users must reach the rootfs, so t.TempDir will not do.
	dir, err := os.MkdirTemp("", "rt-libct-")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: dir, bundle: dir + "/bundle", parent: filepath.Base(dir), r: &Runtime{Root: dir + "/root", Rootless: "auto"}}
	t.Cleanup(p.remove)
	for _, d := range []string{"", "/bundle", "/bundle/rootfs", "/bundle/rootfs/bin", "/bundle/rootfs/dev", "/bundle/rootfs/proc", "/bundle/rootfs/sys", "/bundle/rootfs/tmp"} {
		if err := os.MkdirAll(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	sh := p.bundle + "/rootfs/bin/busybox"
	if err := os.WriteFile(sh, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(sh, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "true", "sleep"} {
		if err := os.Symlink("busybox", p.bundle+"/rootfs/bin/"+name); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// remove takes away the directory and the parent cgroups.
func (p *place) remove() {
	for _, dir := range p.cgroups() {
		if err := os.Remove(dir); err != nil {
			p.t.Error(err)
		}
	}
	if err := os.RemoveAll(p.dir); err != nil {
		p.t.Error(err)
	}
}

// cgroups are the parent's directories in all hierarchies.
func (p *place) cgroups() []string {
	a, _ := filepath.Glob("/sys/fs/cgroup/" + p.parent)
	b, _ := filepath.Glob("/sys/fs/cgroup/*/" + p.parent)
	return append(a, b...)
}

// write makes config.json: rt spec's, as the test changes it.
func (p *place) write(change func(*specs.Spec)) {
	p.t.Helper()
	s := spec.Default()
	s.Process.Terminal = false
	s.Process.Args = []string{"/bin/true"}
	s.Linux.CgroupsPath = "/" + p.parent + "/box"
	s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	// An own network namespace takes milliseconds to clear, and sysfs needs one.
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/sys" || m.Destination == "/sys/fs/cgroup" })
	if change != nil {
		change(s)
	}
	text, err := json.Marshal(s)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.bundle+"/config.json", text, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// listen makes a console socket and drops what comes.
func (p *place) listen() {
	p.t.Helper()
	p.console = p.dir + "/console"
	l, err := net.Listen("unix", p.console)
	if err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
}

// openFiles are this process's descriptors that refer to something of the
// test's: sockets, pipes and files of Go's own come and go.
func (p *place) openFiles() (list []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		// The poller's and our own listener's come at any time.
		if err != nil || strings.HasPrefix(to, "/proc/") || strings.HasPrefix(to, "anon_inode:[event") || (p.console != "" && strings.HasPrefix(to, "socket:")) {
			continue
		}
		list = append(list, e.Name()+" "+to)
	}
	return list
}

// ours lists the children of this process, zombies too.
func (p *place) ours() (list []string) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, t := range tasks {
		text, _ := os.ReadFile(t)
		list = append(list, strings.Fields(string(text))...)
	}
	return list
}

// begin remembers what is there.
func (p *place) begin() { p.fds = p.openFiles() }

// clean fails the test if anything is left since begin.
func (p *place) clean(when string) {
	p.t.Helper()
	if fds := p.openFiles(); !slices.Equal(fds, p.fds) {
		p.t.Errorf("%s: descriptors left: %v, before: %v", when, fds, p.fds)
	}
	if c := p.ours(); len(c) > 0 {
		p.t.Errorf("%s: processes left: %v", when, c)
	}
	for _, parent := range p.cgroups() {
		if left, _ := filepath.Glob(parent + "/*/"); len(left) > 0 {
			p.t.Errorf("%s: cgroups left: %v", when, left)
		}
	}
	if left, _ := filepath.Glob(p.r.Root + "/[^@]*"); len(left) > 0 {
		p.t.Errorf("%s: state left: %v", when, left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		p.t.Fatal(err)
	}
	if strings.Contains(string(mounts), p.dir) {
		p.t.Errorf("%s: mounts left", when)
	}
	if p.t.Failed() {
		p.t.FailNow()
	}
}

// failpoint is an op that always fails with EIO.
var failpoint = plan.Op{
	Call: plan.Call{Name: "failpoint", NR: unix.SYS_GETPPID}, Into: plan.None, Guard: plan.None,
	Want: plan.Want{Kind: plan.WantResult, Value: -1, Errno: unix.EIO}, Step: "failpoint",
}

// failAt puts a failpoint before op i of the next plan; n tells how many ops
// the plan had.
func (p *place) failAt(i int) (n *int) {
	n = new(int)
	p.r.edit = func(pl *plan.Plan) {
		*n = len(pl.Ops)
		if i < len(pl.Ops) {
			pl.Ops = slices.Insert(pl.Ops, i, failpoint)
		}
	}
	return n
}

// failedAt tells whether err is the failpoint's before op i.
func failedAt(err error, i int) bool {
	var e *plan.OpError
	return errors.As(err, &e) && e.Index == i && errors.Is(err, unix.EIO) && strings.Contains(err.Error(), fmt.Sprintf("(op %d failpoint()", i))
}

// TestFailpointCreate makes the child fail before every op of create in turn:
// create, or start for those that a parked container comes to later, says at
// which, and nothing is left.
func TestFailpointCreate(t *testing.T) {
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.prepare(change)
			o := CreateOptions{Bundle: p.bundle, ConsoleSocket: p.console}
			for i, n := 0, 1; i < n; i++ {
				ops := p.failAt(i)
				when := "failpoint " + strconv.Itoa(i)
				err := p.r.Create("box", o)
				if err == nil {
					if err = p.r.Start("box"); err == nil {
						t.Fatalf("%s: the container starts", when)
					}
					p.reap()
					if derr := p.r.Delete("box", false); derr != nil {
						t.Errorf("%s: delete: %v", when, derr)
					}
				}
				if n = *ops; !failedAt(err, i) {
					t.Errorf("%s: %v", when, err)
				}
				p.clean(when)
			}
		})
	}
}

// TestFailpointRun does the same with run, which has no second command for the
// last ops.
func TestFailpointRun(t *testing.T) {
	for _, name := range []string{"plain", "terminal"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.prepare(variants[name])
			o := CreateOptions{Bundle: p.bundle, Detach: true, ConsoleSocket: p.console}
			for i, n := 0, 1; i < n; i++ {
				ops := p.failAt(i)
				when := "failpoint " + strconv.Itoa(i)
				_, err := p.r.Run("box", o)
				if n = *ops; !failedAt(err, i) {
					t.Errorf("%s: %v", when, err)
				}
				p.clean(when)
			}
		})
	}
}

// TestInitKilled kills the child from outside at every tenth op, and at every
// barrier before it is come to and while the parent answers.
func TestInitKilled(t *testing.T) {
	for _, name := range []string{"hooks", "terminal", "userns", "time offsets"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.prepare(variants[name])
			for i, n := 0, 1; i < n; i++ {
				taken := false
				p.r.edit = func(pl *plan.Plan) {
					n = len(pl.Ops)
					taken = i%10 == 0 || strings.HasPrefix(pl.Ops[i].Step, "barrier ")
					if taken {
						pl.Ops = slices.Insert(pl.Ops, i, pause)
						return
					}
					pl.Ops = slices.Insert(pl.Ops, 0, failpoint) // not interesting: be quick
				}
				done := make(chan struct{})
				go p.killPaused(done)
				_, err := p.r.Run("box", CreateOptions{Bundle: p.bundle, Detach: true, ConsoleSocket: p.console})
				close(done)
				when := "killed at " + strconv.Itoa(i)
				if taken && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("init was killed by killed at op %d pause()", i))) {
					t.Errorf("%s: %v", when, err)
				}
				p.clean(when)
			}
		})
	}
}

// pause is an op that never ends: ppoll of nothing.
var pause = plan.Op{Call: plan.Call{Name: "pause", NR: unix.SYS_PPOLL}, Into: plan.None, Guard: plan.None, Step: "pause"}

// killPaused waits until a child is in pause and kills it.
func (p *place) killPaused(done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		for _, pid := range p.ours() {
			call, _ := os.ReadFile("/proc/" + pid + "/syscall")
			if strings.HasPrefix(string(call), strconv.Itoa(unix.SYS_PPOLL)+" ") {
				n, _ := strconv.Atoi(pid)
				_ = unix.Kill(n, unix.SIGKILL)
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// prepare writes the bundle, makes one container without any failure, so that
// what is made once and kept is there, and remembers what there is.
func (p *place) prepare(change func(*place, *specs.Spec)) {
	p.t.Helper()
	p.write(func(s *specs.Spec) { change(p, s) })
	if err := p.r.Create("box", CreateOptions{Bundle: p.bundle, ConsoleSocket: p.console}); err != nil {
		p.t.Fatal(err)
	}
	if err := p.r.Delete("box", true); err != nil {
		p.t.Fatal(err)
	}
	p.reap()
	p.begin()
}

// reap waits for the init of a parked container that was ended. As the rt of a
// command line would have exited long ago, init is not its to reap.
func (p *place) reap() {
	for _, pid := range p.ours() {
		if n, err := strconv.Atoi(pid); err == nil {
			_, _ = unix.Wait4(n, nil, 0, nil)
		}
	}
}

var variants = map[string]func(*place, *specs.Spec){
	"plain": func(_ *place, s *specs.Spec) {
		s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow,
			Syscalls: []specs.LinuxSyscall{{Names: []string{"reboot"}, Action: specs.ActErrno}}}
	},
	"user": func(_ *place, s *specs.Spec) {
		s.Process.User = specs.User{UID: 1000, GID: 1000, AdditionalGids: []uint32{5}}
		s.Process.NoNewPrivileges = false
		s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow,
			Syscalls: []specs.LinuxSyscall{{Names: []string{"reboot"}, Action: specs.ActErrno}}}
	},
	"userns": func(_ *place, s *specs.Spec) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
		s.Linux.GIDMappings = s.Linux.UIDMappings
	},
	"time offsets": func(_ *place, s *specs.Spec) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
		s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1000}}
	},
	"terminal": func(p *place, s *specs.Spec) {
		p.listen()
		s.Process.Terminal = true
	},
	"hooks": func(_ *place, s *specs.Spec) {
		h := []specs.Hook{{Path: "/bin/true"}}
		s.Hooks = &specs.Hooks{CreateRuntime: h, CreateContainer: []specs.Hook{{Path: "/bin/true"}}, Poststop: h}
	},
}
