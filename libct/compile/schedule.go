package compile

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// schedule sets what decides when and where the process runs: CPU affinity,
// scheduler, I/O priority, memory policy, execution domain.
func (c *compiler) schedule(p *specs.Process) {
	c.allCPUs()
	c.priorities(p)
}

// allCPUs resets the affinity: the caller's is not the container's.
func (c *compiler) allCPUs() {
	c.b.Step("CPUs of the cpuset")
	all := make([]byte, 128)
	for i := range all {
		all[i] = 0xff
	}
	c.b.Add(plan.SchedSetaffinity(all, "[all]").Or(unix.EINVAL, unix.EPERM))
}

// priorities is schedule without the affinity.
func (c *compiler) priorities(p *specs.Process) {
	c.scheduler(p.Scheduler)
	c.ioPriority(p.IOPriority)
	if c.spec.Linux == nil {
		return
	}
	c.memoryPolicy(c.spec.Linux.MemoryPolicy)
	if d := c.spec.Linux.Personality; d != nil {
		c.b.Step("linux.personality " + string(d.Domain))
		domain := uint64(0)
		if d.Domain == specs.PerLinux32 {
			domain = 8
		}
		c.b.Add(plan.Personality(domain))
	}
}

// word gives a word of config.json its number.
type word[T ~string] struct {
	name  T
	value uint64
}

func valueOf[T ~string](list []word[T], name T) uint64 {
	for _, w := range list {
		if w.name == name {
			return w.value
		}
	}
	return 0
}

var ioClasses = [...]word[specs.IOPriorityClass]{
	{specs.IOPRIO_CLASS_RT, 1}, {specs.IOPRIO_CLASS_BE, 2}, {specs.IOPRIO_CLASS_IDLE, 3},
}

var policies = [...]word[specs.LinuxSchedulerPolicy]{
	{specs.SchedOther, 0}, {specs.SchedFIFO, 1}, {specs.SchedRR, 2}, {specs.SchedBatch, 3},
	{specs.SchedISO, 4}, {specs.SchedIdle, 5}, {specs.SchedDeadline, 6},
}

var schedulerFlags = [...]word[specs.LinuxSchedulerFlag]{
	{specs.SchedFlagResetOnFork, 1}, {specs.SchedFlagReclaim, 2}, {specs.SchedFlagDLOverrun, 4}, {specs.SchedFlagKeepPolicy, 8},
	{specs.SchedFlagKeepParams, 0x10}, {specs.SchedFlagUtilClampMin, 0x20}, {specs.SchedFlagUtilClampMax, 0x40},
}

// scheduler is struct sched_attr of sched_setattr(2).
func (c *compiler) scheduler(s *specs.Scheduler) {
	if s == nil {
		return
	}
	c.b.Step("process.scheduler " + string(s.Policy))
	flags := uint64(0)
	for _, f := range s.Flags {
		flags |= valueOf(schedulerFlags[:], f)
	}
	attr := plan.Le32(plan.Le32(nil, 56), uint32(valueOf(policies[:], s.Policy)))
	attr = plan.Le64(attr, flags)
	attr = plan.Le32(plan.Le32(attr, uint32(s.Nice)), uint32(s.Priority))
	attr = plan.Le64(plan.Le64(plan.Le64(attr, s.Runtime), s.Deadline), s.Period)
	attr = plan.Le32(plan.Le32(attr, 0), 0)
	text := fmt.Sprintf("{%s, flags=%#x, nice=%d, priority=%d, runtime=%d, deadline=%d, period=%d}",
		s.Policy, flags, s.Nice, s.Priority, s.Runtime, s.Deadline, s.Period)
	set := plan.SchedSetattr(attr, text)
	if l := c.spec.Linux; s.Policy == specs.SchedDeadline && l != nil && l.Resources != nil && l.Resources.CPU != nil && l.Resources.CPU.Cpus != "" {
		// sched_setattr(2): EPERM when the affinity has not all CPUs.
		set = set.Saying("process scheduler can't be used together with AllowedCPUs (linux.resources.cpu.cpus):")
	}
	c.b.Add(set)
}

// ioPriority is the class in the upper bits, the level in the lower 13
// (ioprio_set(2)).
func (c *compiler) ioPriority(p *specs.LinuxIOPriority) {
	if p == nil {
		return
	}
	class := int(valueOf(ioClasses[:], p.Class))
	c.b.Step("process.ioPriority")
	c.b.Add(plan.IoprioSet(class<<13|p.Priority, fmt.Sprintf("%s|%d", p.Class, p.Priority)))
}

var memoryModes = [...]word[specs.MemoryPolicyModeType]{
	{specs.MpolDefault, 0}, {specs.MpolPreferred, 1}, {specs.MpolBind, 2}, {specs.MpolInterleave, 3},
	{specs.MpolLocal, 4}, {specs.MpolPreferredMany, 5}, {specs.MpolWeightedInterleave, 6},
}

var memoryFlags = [...]word[specs.MemoryPolicyFlagType]{
	{specs.MpolFNumaBalancing, 1 << 13}, {specs.MpolFRelativeNodes, 1 << 14}, {specs.MpolFStaticNodes, 1 << 15},
}

// MemoryPolicies lists the modes and flags of linux.memoryPolicy, for features.
func MemoryPolicies() (modes, flags []string) {
	for _, m := range memoryModes {
		modes = append(modes, string(m.name))
	}
	for _, f := range memoryFlags {
		flags = append(flags, string(f.name))
	}
	return modes, flags
}

// memoryPolicy is set_mempolicy(2), runtime-spec 1.3.
func (c *compiler) memoryPolicy(m *specs.LinuxMemoryPolicy) {
	if m == nil || m.Mode == "" {
		return
	}
	c.b.Step("linux.memoryPolicy " + string(m.Mode))
	flags := uint64(0)
	for _, f := range m.Flags {
		flags |= valueOf(memoryFlags[:], f)
	}
	nodes, err := bitList(m.Nodes)
	if err != nil {
		c.fail(fmt.Errorf("linux.memoryPolicy.nodes: %w", err))
		return
	}
	c.b.Add(plan.SetMempolicy(valueOf(memoryModes[:], m.Mode), flags, nodes, "{"+m.Nodes+"}"))
}

// bitList turns "0-3,7" into a bit mask, in whole 64-bit words.
func bitList(list string) (mask []byte, err error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	for _, part := range strings.Split(list, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || a > b || b > 1023 {
			return nil, fmt.Errorf("%q is not a list of numbers below 1024", list)
		}
		for ; a <= b; a++ {
			for uint64(len(mask)) <= a/8 {
				mask = append(mask, make([]byte, 8)...)
			}
			mask[a/8] |= 1 << (a % 8)
		}
	}
	return mask, nil
}
