package compile

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/spec"
)

// generator makes inputs that are as odd as a valid config.json can be.
type generator struct{ *rand.Rand }

// maybe is true once in n times.
func (g generator) maybe(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// some takes each of list with chance 1/n.
func some[T any](g generator, n int, list ...T) (out []T) {
	for _, x := range list {
		if g.maybe(n) {
			out = append(out, x)
		}
	}
	return out
}

func (g generator) path() string {
	p := ""
	for range 1 + g.IntN(4) {
		p += "/" + pick(g, "a", "b", "proc", "dev", "sys", "..", ".", "x\ny", "é", "\x7f", "dev/shm", "etc")
	}
	return p
}

func (g generator) mount() specs.Mount {
	m := specs.Mount{Destination: g.path(), Type: pick(g, "tmpfs", "proc", "sysfs", "bind", "cgroup", "cgroup2", "mqueue", "devpts", "overlay")}
	if g.maybe(8) {
		m.Destination = pick(g, "/dev", "/", "/proc", "rel/ative")
	}
	m.Source = pick(g, m.Type, "/srv", "/bundle/rootfs", "/bundle/rootfs/a", "/bundle/rootfs2")
	m.Options = some(g, 12, MountOptions()...)
	m.Options = append(m.Options, some(g, 4, "size=1k", "mode=755", "noswap", "")...)
	if g.maybe(10) {
		m.UIDMappings = []specs.LinuxIDMapping{{HostID: 1000, Size: 5}}
		m.GIDMappings = m.UIDMappings
	}
	return m
}

func (g generator) namespaces(l *specs.Linux) {
	for _, t := range []specs.LinuxNamespaceType{specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
		specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace} {
		switch {
		case t == specs.MountNamespace && !g.maybe(8), g.maybe(3):
			l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: t})
		case g.maybe(5):
			l.Namespaces = append(l.Namespaces, specs.LinuxNamespace{Type: t, Path: "/proc/7/ns/" + string(t)})
		}
	}
	g.Shuffle(len(l.Namespaces), func(i, j int) { l.Namespaces[i], l.Namespaces[j] = l.Namespaces[j], l.Namespaces[i] })
	for _, ns := range l.Namespaces {
		if ns.Type == specs.UserNamespace && ns.Path == "" {
			l.UIDMappings = []specs.LinuxIDMapping{{HostID: 100000, Size: 65536}}
			l.GIDMappings = l.UIDMappings
		}
		if ns.Type == specs.TimeNamespace && ns.Path == "" && g.maybe(2) {
			l.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1}}
		}
	}
}

func (g generator) process() *specs.Process {
	p := &specs.Process{Cwd: g.path(), Args: []string{pick(g, "prog", "/bin/sh", "./x", "\x1b[31m")}, NoNewPrivileges: g.maybe(2), Terminal: g.maybe(3)}
	p.Env = some(g, 2, "A=1", "PATH=/bin::/usr/bin", "A=2", "HOME=", "PATH=")
	p.User = specs.User{UID: g.Uint32N(3), GID: g.Uint32N(3), AdditionalGids: some(g, 2, uint32(4), uint32(5))}
	if g.maybe(2) {
		caps := func() []string {
			return some(g, 3, "CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN", "CAP_SETPCAP", "CAP_MKNOD", "CAP_CHECKPOINT_RESTORE")
		}
		p.Capabilities = &specs.LinuxCapabilities{Bounding: caps(), Effective: caps(), Permitted: caps(), Inheritable: caps(), Ambient: caps()}
	}
	for _, l := range some(g, 4, rlimits[:]...) {
		p.Rlimits = append(p.Rlimits, specs.POSIXRlimit{Type: l, Soft: 1, Hard: g.Uint64()})
	}
	if g.maybe(4) {
		p.ConsoleSize = &specs.Box{Height: 24, Width: 80}
	}
	return p
}

func (g generator) input() Input {
	l := &specs.Linux{RootfsPropagation: pick(g, "", "", "shared", "rslave", "private", "unbindable")}
	g.namespaces(l)
	l.MaskedPaths, l.ReadonlyPaths = some(g, 2, "/proc/kcore", g.path(), "/proc/acpi"), some(g, 2, g.path(), "/proc/sys")
	for range g.IntN(3) {
		l.Devices = append(l.Devices, specs.LinuxDevice{Path: pick(g, "/dev/null", "/dev/x/y", "/opt/z", "/dev/w"), Type: pick(g, "c", "b", "p", "u"), Major: 1, Minor: 3})
	}
	s := &specs.Spec{Version: "1.2.0", Root: &specs.Root{Path: "rootfs", Readonly: g.maybe(2)}, Process: g.process(), Linux: l}
	for range g.IntN(6) {
		s.Mounts = append(s.Mounts, g.mount())
	}
	if g.maybe(40) {
		for range 70 {
			s.Mounts = append(s.Mounts, g.mount())
		}
	}
	if g.maybe(4) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
	}
	in := Input{Spec: s, Facts: facts(), ID: "box", Rootfs: "/bundle/rootfs", Bundle: "/bundle", RootMount: "/bundle",
		Park: g.maybe(2), NoPivot: g.maybe(6), NoNewKeyring: g.maybe(2), PreserveFds: g.IntN(21), Home: pick(g, "", "/root"), Rootless: g.maybe(6)}
	in.Chown = [3]bool{g.maybe(2), g.maybe(2), g.maybe(2)}
	for i, name := range some(g, 2, "memory", "cpu,cpuacct", "pids") {
		in.Hierarchies = append(in.Hierarchies, Hierarchy{Name: name, Dir: "/sys/fs/cgroup/" + strconv.Itoa(i), Join: true})
	}
	if g.maybe(2) {
		l.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
		in.Seccomp = &Filter{Program: make([]byte, 8), Notify: g.maybe(3)}
	}
	return in
}

// FuzzPlan compiles inputs that a seed stands for and checks the invariants.
func FuzzPlan(f *testing.F) {
	for seed := range uint64(1500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		in := generator{rand.New(rand.NewPCG(seed, 0))}.input()
		if spec.Validate(in.Spec) != nil {
			return
		}
		p, err := Container(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := invariants(in, p); err != nil {
			t.Fatal(err)
		}
	})
}

// TestGenerated: enough of what the generator makes is valid.
func TestGenerated(t *testing.T) {
	valid := 0
	for seed := range uint64(1500) {
		if spec.Validate(generator{rand.New(rand.NewPCG(seed, 0))}.input().Spec) == nil {
			valid++
		}
	}
	if valid < 300 {
		t.Errorf("%d of 1500 inputs are valid", valid)
	}
	t.Logf("%d of 1500 inputs are valid", valid)
}
