package spec

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Warnings says, one line each, what of a valid configuration is ignored or
// better written otherwise.
func Warnings(s *specs.Spec) []string {
	var w warnings
	w.process(s.Process)
	w.mounts(s.Mounts)
	if l := s.Linux; l != nil {
		w.linux(l)
	}
	return w
}

type warnings []string

func (w *warnings) add(format string, args ...any) { *w = append(*w, fmt.Sprintf(format, args...)) }

func (w *warnings) process(p *specs.Process) {
	if p == nil {
		return
	}
	if p.CommandLine != "" {
		w.add("process.commandLine: ignored, it is for Windows")
	}
	if p.User.Username != "" {
		w.add("process.user.username: ignored, it is for Windows")
	}
	if u := p.User.Umask; u != nil && *u > 0o777 {
		w.add("process.user.umask: only the permission bits of %#o are used", *u)
	}
	if p.Capabilities != nil {
		w.capabilities(p.Capabilities)
	}
}

// capabilities warns as runc does: once about all unknown names, and about
// ambient ones that prctl(PR_CAP_AMBIENT_RAISE) refuses.
func (w *warnings) capabilities(c *specs.LinuxCapabilities) {
	unknown := map[string]bool{}
	for _, set := range [...][]string{c.Bounding, c.Effective, c.Inheritable, c.Permitted, c.Ambient} {
		for _, name := range set {
			if _, ok := Capability(name); !ok {
				unknown[quote(name)] = true
			}
		}
	}
	if len(unknown) > 0 {
		w.add("process.capabilities: ignoring unknown %s", strings.Join(sortedKeys(unknown), ", "))
	}
	both := capabilitySet(c.Permitted) & capabilitySet(c.Inheritable)
	for i, name := range c.Ambient {
		if n, ok := Capability(name); ok && both&(1<<n) == 0 {
			w.add("process.capabilities.ambient[%d]: can't raise ambient capability %s: it is not in permitted and inheritable", i, name)
		}
	}
}

func (w *warnings) mounts(mounts []specs.Mount) {
	for i, m := range mounts {
		if m.Destination != "" && m.Destination[0] != '/' {
			w.add("mounts[%d].destination: %s is not absolute and is taken from /", i, quote(m.Destination))
		}
	}
}

func (w *warnings) linux(l *specs.Linux) {
	if has(l, specs.UserNamespace) && !hasNew(l, specs.UserNamespace) && len(l.UIDMappings)+len(l.GIDMappings) > 0 {
		w.add("linux.uidMappings: ignored, the joined user namespace has its own")
	}
	if v := l.Seccomp; v != nil {
		switch {
		case isNoFilter(v):
			w.add("linux.seccomp: without defaultAction and syscalls there is no filter")
		case v.ListenerPath != "" && !usesNotify(v):
			w.add("linux.seccomp.listenerPath: ignored, no system call is %s", specs.ActNotify)
		}
	}
	if l.Resources == nil || l.Resources.Memory == nil {
		return
	}
	m := l.Resources.Memory
	if *kernelMemory(m) != nil || m.KernelTCP != nil {
		w.add("linux.resources.memory.kernel: ignored, Linux has no such limit any more")
	}
}
