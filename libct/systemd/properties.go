package systemd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/dbus"
	"rt/libct/spec"
)

// Property is a property of a unit.
type Property struct {
	Name  string
	Value dbus.Value
}

// infinity is systemd's "no limit".
const infinity = math.MaxUint64

// The systemd that knows CPUWeight=idle, and OOMPolicy of a scope.
const (
	idleVersion      = 252
	oomPolicyVersion = 253
)

// Host is what the translation of resources depends on.
type Host struct {
	// V2 is whether the controllers are of cgroup v2.
	V2 bool
	// User is whether it is a user's systemd, which cannot restrict devices.
	User bool
	// Version of systemd, such as 257. It matters only if NeedsVersion says so.
	Version int
	// New is whether the unit is being made: some properties cannot change.
	New bool
}

// NeedsVersion reports whether the properties of r depend on systemd's version.
func NeedsVersion(r *specs.LinuxResources) bool {
	return r.CPU != nil && r.CPU.Idle != nil && *r.CPU.Idle == 1 ||
		r.Unified["cpu.idle"] != "" || r.Unified["memory.oom.group"] != ""
}

// Round returns r with the CPU quota that systemd will set: it counts in whole
// percents of a CPU, and what is written to the cgroup must not differ from what
// systemd writes at its next reload. Like runc it rounds up.
func Round(r *specs.LinuxResources) *specs.LinuxResources {
	if r.CPU == nil || r.CPU.Quota == nil || *r.CPU.Quota <= 0 {
		return r
	}
	period := period(r.CPU)
	quota := int64(perSecond(*r.CPU.Quota, period)) * int64(period) / second
	if quota == *r.CPU.Quota {
		return r
	}
	rounded, cpu := *r, *r.CPU
	cpu.Quota = &quota
	rounded.CPU = &cpu
	return &rounded
}

const (
	// second and percent of it are in microseconds.
	second  = 1_000_000
	percent = second / 100
	// defaultPeriod of a quota is the kernel's.
	defaultPeriod = 100_000
)

func period(c *specs.LinuxCPU) uint64 {
	if c.Period != nil && *c.Period != 0 {
		return *c.Period
	}
	return defaultPeriod
}

// perSecond is CPUQuotaPerSecUSec, in whole percents.
func perSecond(quota int64, period uint64) uint64 {
	usec := uint64(quota) * second / period
	return (usec + percent - 1) / percent * percent
}

// Resources translates linux.resources, as far as systemd has a property for
// it; the rest is for cgroupfs. Devices are DeviceProperties'.
func Resources(r *specs.LinuxResources, h Host) ([]Property, error) {
	l := list{host: h}
	l.memory(r.Memory)
	if err := l.cpu(r.CPU); err != nil {
		return nil, err
	}
	if r.Pids != nil && r.Pids.Limit != nil {
		l.add("TasksMax", limit(max(*r.Pids.Limit, -1), 1))
	}
	if b := r.BlockIO; b != nil && b.Weight != nil && *b.Weight != 0 {
		if h.V2 {
			l.add("IOWeight", dbus.Uint64(cgroup.IOWeight(*b.Weight)))
		} else {
			l.add("BlockIOWeight", dbus.Uint64(*b.Weight))
		}
	}
	for _, key := range sortedKeys(r.Unified) {
		if !h.V2 {
			break // cgroupfs refuses it
		}
		if err := l.unified(key, strings.TrimSpace(r.Unified[key])); err != nil {
			return nil, fmt.Errorf("unified resource %q: %w", key, err)
		}
	}
	return l.properties, l.err
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// list collects properties.
type list struct {
	host       Host
	properties []Property
	// idle is set once CPUWeight says so: a weight besides would undo it.
	idle bool
	err  error
}

func (l *list) add(name string, v dbus.Value) {
	l.properties = append(l.properties, Property{name, v})
}

// limit is n, at least least, or infinity for -1.
func limit(n, least int64) dbus.Value {
	if n == -1 {
		return dbus.Uint64(infinity)
	}
	return dbus.Uint64(max(n, least))
}

func isSet(n *int64) bool { return n != nil && *n != 0 }

func (l *list) memory(m *specs.LinuxMemory) {
	if m == nil {
		return
	}
	if isSet(m.Limit) {
		name := "MemoryMax"
		if !l.host.V2 {
			name = "MemoryLimit"
		}
		l.add(name, limit(*m.Limit, 0))
	}
	if !l.host.V2 {
		return
	}
	if isSet(m.Reservation) {
		l.add("MemoryLow", limit(*m.Reservation, 0))
	}
	swap, err := cgroup.SwapMax(m)
	l.err = err
	switch swap {
	case "":
	case "max":
		l.add("MemorySwapMax", dbus.Uint64(infinity))
	default:
		n, _ := strconv.ParseUint(swap, 10, 64)
		l.add("MemorySwapMax", dbus.Uint64(n))
	}
}

func (l *list) cpu(c *specs.LinuxCPU) error {
	if c == nil {
		return nil
	}
	if c.Idle != nil {
		l.weightIdle(*c.Idle)
	}
	if c.Shares != nil && *c.Shares != 0 {
		if l.host.V2 {
			l.weight(cgroup.Weight(*c.Shares))
		} else {
			l.add("CPUShares", dbus.Uint64(*c.Shares))
		}
	}
	if c.Period != nil && *c.Period != 0 || isSet(c.Quota) {
		quota := int64(-1)
		if isSet(c.Quota) {
			quota = *c.Quota
		}
		l.quota(quota, c)
	}
	if err := l.mask("AllowedCPUs", c.Cpus); err != nil {
		return fmt.Errorf("cpu.cpus %q: %w", c.Cpus, err)
	}
	if err := l.mask("AllowedMemoryNodes", c.Mems); err != nil {
		return fmt.Errorf("cpu.mems %q: %w", c.Mems, err)
	}
	return nil
}

// quota sets the bandwidth: usec of c's period, none if negative.
func (l *list) quota(usec int64, c *specs.LinuxCPU) {
	if c.Period != nil && *c.Period != 0 {
		l.add("CPUQuotaPeriodUSec", dbus.Uint64(*c.Period))
	}
	if usec < 0 {
		l.add("CPUQuotaPerSecUSec", dbus.Uint64(infinity))
		return
	}
	l.add("CPUQuotaPerSecUSec", dbus.Uint64(perSecond(usec, period(c))))
}

// weightIdle: systemd has no property for "not idle", and knows idle since 252.
func (l *list) weightIdle(idle int64) {
	if idle == 1 && l.host.V2 && l.host.Version >= idleVersion && !l.idle {
		l.idle = true
		l.add("CPUWeight", dbus.Uint64(0))
	}
}

func (l *list) weight(n uint64) {
	if !l.idle {
		l.add("CPUWeight", dbus.Uint64(n))
	}
}

// maxBit bounds a mask: the kernel knows 8192 CPUs and 1024 memory nodes.
const maxBit = 1 << 13

// mask sets a list such as "0-3,7" as bytes, the least bit first.
func (l *list) mask(name, text string) error {
	ranges, err := spec.ParseList(text)
	if err != nil || len(ranges) == 0 {
		return err
	}
	var bits []byte
	for _, r := range ranges {
		if r.Last >= maxBit {
			return fmt.Errorf("%d is above %d", r.Last, maxBit-1)
		}
		for n := r.First; n <= r.Last; n++ {
			for len(bits) <= n/8 {
				bits = append(bits, 0)
			}
			bits[n/8] |= 1 << (n % 8)
		}
	}
	l.add(name, dbus.Bytes(bits))
	return nil
}

// unifiedLimits are the files of which the value is one number or "max".
var unifiedLimits = map[string]string{
	"memory.high": "MemoryHigh", "memory.low": "MemoryLow", "memory.max": "MemoryMax",
	"memory.min": "MemoryMin", "memory.swap.max": "MemorySwapMax", "pids.max": "TasksMax",
}

// unified translates a file of cgroup v2, if systemd has a property for it.
func (l *list) unified(key, value string) error {
	if name := unifiedLimits[key]; name != "" {
		n, err := parseMax(value)
		if err != nil {
			return err
		}
		l.add(name, dbus.Uint64(n))
		return nil
	}
	switch key {
	case "cpu.idle":
		if value == "1" {
			l.weightIdle(1)
		}
	case "cpu.max":
		return l.unifiedQuota(value)
	case "cpu.weight":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", value)
		}
		l.weight(n)
	case "cpuset.cpus":
		return l.mask("AllowedCPUs", value)
	case "cpuset.mems":
		return l.mask("AllowedMemoryNodes", value)
	case "memory.oom.group":
		l.oomPolicy(value)
	}
	return nil
}

func (l *list) oomPolicy(group string) {
	if !l.host.New || l.host.Version < oomPolicyVersion {
		return
	}
	switch group {
	case "0":
		l.add("OOMPolicy", dbus.String("continue"))
	case "1":
		l.add("OOMPolicy", dbus.String("kill"))
	}
}

// unifiedQuota reads cpu.max: a quota or "max", and perhaps a period.
func (l *list) unifiedQuota(value string) error {
	fields := strings.Fields(value)
	if len(fields) < 1 || len(fields) > 2 {
		return fmt.Errorf("%q: want a quota and perhaps a period", value)
	}
	quota, err := parseMax(fields[0])
	if err != nil || quota > math.MaxInt64 && quota != infinity {
		return fmt.Errorf("%q is not a quota", fields[0])
	}
	c := &specs.LinuxCPU{}
	if len(fields) == 2 {
		p, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil || p == 0 || p > math.MaxInt32 {
			return fmt.Errorf("%q is not a period", fields[1])
		}
		c.Period = &p
	}
	l.quota(int64(quota), c)
	return nil
}

func parseMax(value string) (uint64, error) {
	if value == "max" {
		return infinity, nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number or max", value)
	}
	return n, nil
}
