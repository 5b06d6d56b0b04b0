package spec

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func validateLinux(s *specs.Spec) error {
	l := s.Linux
	if l == nil {
		return nil
	}
	for _, check := range [...]func(*specs.Linux) error{
		validateNamespaces, validateSysctl, validateCgroupsPath, validateDevices, validateNetDevices,
		validateHidden, validateMemoryPolicy, validatePersonality, validateIntelRdt,
	} {
		if err := check(l); err != nil {
			return err
		}
	}
	if p := l.RootfsPropagation; p != "" && !IsPropagation(p) {
		return fmt.Errorf("linux.rootfsPropagation: unknown propagation %s", quote(p))
	}
	if err := ValidateUpdate(l.Resources); err != nil {
		return err
	}
	if err := validateSwap(l); err != nil {
		return err
	}
	return ValidateSeccomp(l.Seccomp)
}

// validateCgroupsPath takes both forms, a path and systemd's
// slice:prefix:name.
func validateCgroupsPath(l *specs.Linux) error {
	for e := range strings.SplitSeq(l.CgroupsPath, "/") {
		if e == ".." {
			return errors.New(`linux.cgroupsPath: must not contain ".."`)
		}
	}
	if strings.ContainsAny(l.CgroupsPath, "\x00\n") {
		return errors.New("linux.cgroupsPath: must not contain a NUL byte or a newline")
	}
	return nil
}

// validateIntelRdt: each schema is one line of a file.
func validateIntelRdt(l *specs.Linux) error {
	r := l.IntelRdt
	if r == nil {
		return nil
	}
	line := func(field, text string) error {
		if strings.ContainsAny(text, "\x00\n") {
			return fmt.Errorf("linux.intelRdt.%s: must not contain a NUL byte or a newline", field)
		}
		return nil
	}
	if m := r.MemBwSchema; m != "" && !strings.HasPrefix(m, "MB:") {
		return fmt.Errorf("linux.intelRdt.memBwSchema: does not begin with MB:, have %s", quote(m))
	}
	if err := errors.Join(line("l3CacheSchema", r.L3CacheSchema), line("memBwSchema", r.MemBwSchema)); err != nil {
		return err
	}
	for i, s := range r.Schemata {
		if err := line(fmt.Sprintf("schemata[%d]", i), s); err != nil {
			return err
		}
	}
	return nil
}

func validateDevices(l *specs.Linux) error {
	return each("linux.devices", l.Devices, func(d *specs.LinuxDevice) error {
		if err := absolute(".path", d.Path); err != nil {
			return err
		}
		switch d.Type {
		case "p":
		case "b", "c", "u":
			// dev_t: 12 bits of major and 20 of minor.
			if err := between(".major", d.Major, 0, 1<<12-1); err != nil {
				return err
			}
			if err := between(".minor", d.Minor, 0, 1<<20-1); err != nil {
				return err
			}
		default:
			return fmt.Errorf(".type: want b, c, u or p, have %s", quote(d.Type))
		}
		return validateNode(d)
	})
}

// validateNode checks a device node's mode and owner. Managers copy st_mode,
// type bits included, so these are allowed.
func validateNode(d *specs.LinuxDevice) error {
	const bits = os.FileMode(unix.S_IFMT | 0o7777)
	const none = 1<<32 - 1
	switch {
	case d.FileMode != nil && *d.FileMode&^bits != 0:
		return fmt.Errorf(".fileMode: %d has bits that are no permission", uint32(*d.FileMode))
	case d.UID != nil && *d.UID == none:
		return fmt.Errorf(".uid: %d is not an id", *d.UID)
	case d.GID != nil && *d.GID == none:
		return fmt.Errorf(".gid: %d is not an id", *d.GID)
	}
	return nil
}

// validateNetDevices: runtime-spec 1.3 config-linux.md#network-devices.
func validateNetDevices(l *specs.Linux) error {
	if len(l.NetDevices) > 0 && !has(l, specs.NetworkNamespace) {
		return errors.New("linux.netDevices: needs a private network namespace")
	}
	seen := map[string]bool{}
	return eachKey("linux.netDevices", l.NetDevices, func(name string, d specs.LinuxNetDevice) error {
		if !isInterface(name) {
			return errors.New(": not the name of a network device")
		}
		inside := name
		if d.Name != "" {
			inside = d.Name
		}
		switch {
		case !isInterface(inside):
			return fmt.Errorf(".name: %s is not the name of a network device", quote(inside))
		case seen[inside]:
			return fmt.Errorf(".name: %s is there twice", quote(inside))
		}
		seen[inside] = true
		return nil
	})
}

// isInterface is the kernel's dev_valid_name; IFNAMSIZ, 16, counts the NUL.
func isInterface(name string) bool {
	return name != "" && len(name) < unix.IFNAMSIZ && name != "." && name != ".." &&
		!strings.ContainsAny(name, "/: \t\n\v\f\r\x00") && strings.IndexByte(name, 0xa0) < 0
}

// validateHidden checks the paths hidden or made read-only, which is possible
// only where the mounts are the container's own.
func validateHidden(l *specs.Linux) error {
	for _, f := range [...]struct {
		field string
		paths []string
	}{{"linux.maskedPaths", l.MaskedPaths}, {"linux.readonlyPaths", l.ReadonlyPaths}} {
		if len(f.paths) > 0 && !has(l, specs.MountNamespace) {
			return fmt.Errorf("%s: needs a private mount namespace", f.field)
		}
		if err := each(f.field, f.paths, func(p *string) error { return absolute("", *p) }); err != nil {
			return err
		}
	}
	return nil
}

// validateMemoryPolicy: set_mempolicy(2).
func validateMemoryPolicy(l *specs.Linux) error {
	m := l.MemoryPolicy
	if m == nil {
		return nil
	}
	nodes, err := ParseList(m.Nodes)
	if err != nil {
		return fmt.Errorf("linux.memoryPolicy.nodes: invalid memory policy node: %w", err)
	}
	switch m.Mode {
	case specs.MpolDefault, specs.MpolLocal:
		if len(nodes) > 0 {
			return fmt.Errorf("linux.memoryPolicy.nodes: %s mode requires 0 nodes but got %d", m.Mode, count(nodes))
		}
	case specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave, specs.MpolPreferredMany:
		if len(nodes) == 0 {
			return fmt.Errorf("linux.memoryPolicy.nodes: %s needs at least one", m.Mode)
		}
	case specs.MpolPreferred:
	default:
		return fmt.Errorf("linux.memoryPolicy.mode: invalid memory policy mode %s", quote(string(m.Mode)))
	}
	return validateMemoryPolicyFlags(m)
}

func validateMemoryPolicyFlags(m *specs.LinuxMemoryPolicy) error {
	fixed, relative := false, false
	return each("linux.memoryPolicy.flags", m.Flags, func(f *specs.MemoryPolicyFlagType) error {
		switch *f {
		case specs.MpolFStaticNodes:
			fixed = true
		case specs.MpolFRelativeNodes:
			relative = true
		case specs.MpolFNumaBalancing:
			if m.Mode != specs.MpolBind && m.Mode != specs.MpolPreferredMany {
				return fmt.Errorf(": %s goes with MPOL_BIND and MPOL_PREFERRED_MANY only", *f)
			}
		default:
			return fmt.Errorf(": invalid memory policy flag %s", quote(string(*f)))
		}
		if fixed && relative {
			return errors.New(": static and relative nodes exclude each other")
		}
		return nil
	})
}

func validatePersonality(l *specs.Linux) error {
	p := l.Personality
	switch {
	case p == nil:
		return nil
	case p.Domain != specs.PerLinux && p.Domain != specs.PerLinux32:
		return fmt.Errorf("linux.personality.domain: want LINUX or LINUX32, have %s", quote(string(p.Domain)))
	case len(p.Flags) > 0:
		return errors.New("linux.personality.flags: none are defined")
	}
	return nil
}
