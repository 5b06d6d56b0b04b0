package cgroup

import (
	"fmt"
	"math"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// access is a set of device operations, in the bits of
// struct bpf_cgroup_dev_ctx (linux/bpf.h).
type access uint8

const (
	mknod access = 1 << iota
	readable
	writable
	allAccess = mknod | readable | writable
)

// AnyNumber is the "*" of a device rule.
const AnyNumber = -1

const anyNumber = AnyNumber

// Device is a device, or several, and what may be done with it.
type Device struct {
	// Kind is 'b' or 'c'.
	Kind byte
	// Major and Minor may be AnyNumber.
	Major, Minor int64
	// Access is some of r, w and m.
	Access string
}

// Reduce brings device rules into the form of a default and exceptions to it:
// what the list is about is denied if allow is the default, otherwise allowed.
// Not every list of rules can be brought into it.
func Reduce(rules []specs.LinuxDeviceCgroup) (list []Device, allow bool, err error) {
	decoded, err := decode(rules)
	if err != nil {
		return nil, false, err
	}
	p, err := reduce(decoded)
	if err != nil {
		return nil, false, err
	}
	for i := range p.exceptions {
		if e := &p.exceptions[i]; e.access != 0 {
			list = append(list, Device{e.kind, e.major, e.minor, e.access.String()})
		}
	}
	return list, p.allow, nil
}

// rule is one entry of the device list, decoded.
type rule struct {
	allow        bool
	kind         byte  // 'a', 'b' or 'c'
	major, minor int64 // anyNumber: all
	access       access
}

// all says that the rule decides about every device.
func (r *rule) all() bool {
	return r.kind == 'a' && r.major == anyNumber && r.minor == anyNumber && r.access == allAccess
}

// node is a device that every container may use, unless linux.devices
// has its path.
type node struct {
	path string
	rule rule
}

// defaults is runc's list: the devices of runtime-spec
// config-linux.md#default-devices, pseudo terminals, mknod of everything
// (CAP_MKNOD decides), and /dev/net/tun, which old Docker images expect.
var defaults = [...]node{
	{"", rule{true, 'c', anyNumber, anyNumber, mknod}},
	{"", rule{true, 'b', anyNumber, anyNumber, mknod}},
	{"/dev/null", rule{true, 'c', 1, 3, allAccess}},
	{"/dev/random", rule{true, 'c', 1, 8, allAccess}},
	{"/dev/full", rule{true, 'c', 1, 7, allAccess}},
	{"/dev/tty", rule{true, 'c', 5, 0, allAccess}},
	{"/dev/zero", rule{true, 'c', 1, 5, allAccess}},
	{"/dev/urandom", rule{true, 'c', 1, 9, allAccess}},
	{"", rule{true, 'c', 136, anyNumber, allAccess}},
	{"", rule{true, 'c', 5, 2, allAccess}},
	{"", rule{true, 'c', 10, 200, allAccess}},
}

// DeviceRules returns the rules for a new container: those of
// linux.resources in their order, then the default ones, which a rule before
// them cannot take away, as in runc. Everything that no rule allows is denied.
func DeviceRules(linux *specs.Linux) []specs.LinuxDeviceCgroup {
	var own []specs.LinuxDeviceCgroup
	var devices []specs.LinuxDevice
	if linux != nil {
		devices = linux.Devices
		if linux.Resources != nil {
			own = linux.Resources.Devices
		}
	}
	rules := append(make([]specs.LinuxDeviceCgroup, 0, len(own)+len(defaults)), own...)
	for i := range defaults {
		if d := &defaults[i]; d.path == "" || !redefined(devices, d.path) {
			rules = append(rules, d.rule.spec())
		}
	}
	return rules
}

func redefined(devices []specs.LinuxDevice, path string) bool {
	for i := range devices {
		if devices[i].Path == path {
			return true
		}
	}
	return false
}

func (r *rule) spec() specs.LinuxDeviceCgroup {
	major, minor := r.major, r.minor
	return specs.LinuxDeviceCgroup{
		Allow: r.allow, Type: string(r.kind), Major: &major, Minor: &minor, Access: r.access.String(),
	}
}

// decode checks and converts the configuration's rules.
func decode(list []specs.LinuxDeviceCgroup) ([]rule, error) {
	rules := make([]rule, len(list))
	for i := range list {
		s, r := &list[i], &rules[i]
		r.allow, r.kind = s.Allow, 'a'
		if s.Type != "" {
			r.kind = s.Type[0]
		}
		if len(s.Type) > 1 || r.kind != 'a' && r.kind != 'b' && r.kind != 'c' {
			return nil, fmt.Errorf("devices[%d]: invalid device type %q", i, s.Type)
		}
		var ok bool
		if r.access, ok = parseAccess(s.Access); !ok {
			return nil, fmt.Errorf("devices[%d]: invalid device access %q", i, s.Access)
		}
		if s.Access == "" {
			return nil, fmt.Errorf("device access at %d field cannot be empty", i)
		}
		r.major, r.minor = number(s.Major), number(s.Minor)
		if badNumber(r.major) || badNumber(r.minor) {
			return nil, fmt.Errorf("devices[%d]: invalid device number %d:%d", i, r.major, r.minor)
		}
	}
	return rules, nil
}

func number(p *int64) int64 {
	if p == nil {
		return anyNumber
	}
	return *p
}

func badNumber(n int64) bool { return n < anyNumber || n > math.MaxUint32 }

func parseAccess(s string) (a access, ok bool) {
	for _, c := range []byte(s) {
		switch c {
		case 'r':
			a |= readable
		case 'w':
			a |= writable
		case 'm':
			a |= mknod
		case 'a': // "all", as some write; runc passes it over, so that it says nothing
		default:
			return 0, false
		}
	}
	return a, true
}

func (a access) String() string {
	var text [3]byte
	n := 0
	for _, bit := range [...]struct {
		access
		letter byte
	}{{readable, 'r'}, {writable, 'w'}, {mknod, 'm'}} {
		if a&bit.access != 0 {
			text[n] = bit.letter
			n++
		}
	}
	return string(text[:n])
}

// applyDevices restricts devices by the v1 controller if the host mounts it
// and otherwise by an eBPF program on the v2 group.
func (g *Group) applyDevices(list []specs.LinuxDeviceCgroup) error {
	rules, err := decode(list)
	if err != nil {
		return err
	}
	switch d := g.v1("devices"); {
	case d != nil:
		err = d.applyDevicesV1(rules)
	case g.v2() != nil && g.find("devices") == nil:
		err = g.v2().applyDevicesV2(rules)
	case g.rootless:
		return nil
	default:
		return fmt.Errorf("devices: %w", ErrNoController)
	}
	// The kernel lets only the initial user namespace's root restrict devices,
	// and a rootless container can neither make device nodes nor open what
	// its user cannot.
	if err != nil && g.rootless && refused(err) {
		return nil
	}
	return err
}
