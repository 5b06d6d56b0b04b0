package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ValidateUpdate is Validate for the linux.resources that update changes: what
// is left out stays as it is, so that a limit of memory and swap may come alone.
// Bounds that differ between cgroup v1 and v2 are left to the cgroup driver.
func ValidateUpdate(v *specs.LinuxResources) error {
	if v == nil {
		return nil
	}
	for _, check := range [...]func(*specs.LinuxResources) error{
		validateDeviceRules, validateMemory, validateCPU, validateBlockIO, validateHugepages,
		validateNetwork, validateRdma, validateUnified,
	} {
		if err := check(v); err != nil {
			return err
		}
	}
	return nil
}

func validateDeviceRules(v *specs.LinuxResources) error {
	return each("linux.resources.devices", v.Devices, func(d *specs.LinuxDeviceCgroup) error {
		switch d.Type {
		case "", "a", "b", "c":
		default:
			return fmt.Errorf(".type: want a, b or c, have %s", quote(d.Type))
		}
		// As runc passes over an "a" beside them, so do we.
		if strings.Trim(d.Access, "a") == "" || strings.Trim(d.Access, "rwma") != "" {
			return fmt.Errorf(".access: want one or more of r, w and m, have %s", quote(d.Access))
		}
		// -1 is any number, as in runc.
		if d.Major != nil {
			if err := between(".major", *d.Major, -1, 1<<32-1); err != nil {
				return err
			}
		}
		if d.Minor != nil {
			return between(".minor", *d.Minor, -1, 1<<32-1)
		}
		return nil
	})
}

func validateMemory(v *specs.LinuxResources) error {
	m := v.Memory
	if m == nil {
		return nil
	}
	const field = "linux.resources.memory."
	for _, f := range [...]struct {
		name  string
		bytes *int64
	}{{"limit", m.Limit}, {"reservation", m.Reservation}, {"swap", m.Swap}} {
		if f.bytes != nil && *f.bytes < -1 {
			return fmt.Errorf("%s%s: must be -1 (unlimited) or more, have %d", field, f.name, *f.bytes)
		}
	}
	if m.Swappiness != nil && *m.Swappiness > 100 {
		return fmt.Errorf("%sswappiness: must be from 0 to 100, have %d", field, *m.Swappiness)
	}
	// swap is memory and swap together; 0 is "not set".
	if m.Swap != nil && *m.Swap > 0 && m.Limit != nil && *m.Limit > *m.Swap {
		return fmt.Errorf("%sswap: %d is below limit, %d", field, *m.Swap, *m.Limit)
	}
	return nil
}

// validateSwap is about a new container, which has no limit yet.
func validateSwap(l *specs.Linux) error {
	if l.Resources == nil || l.Resources.Memory == nil {
		return nil
	}
	m := l.Resources.Memory
	if m.Swap != nil && *m.Swap > 0 && (m.Limit == nil || *m.Limit == 0) {
		return errors.New("linux.resources.memory.swap: needs a limit")
	}
	return nil
}

// validateCPU knows the scheduler's bounds: periods of 1 ms to 1 s, quotas of
// at least 1 ms (kernel: tg_set_cfs_bandwidth). 0 is "not set".
func validateCPU(v *specs.LinuxResources) error {
	c := v.CPU
	if c == nil {
		return nil
	}
	const field = "linux.resources.cpu."
	switch {
	case c.Period != nil && *c.Period != 0 && (*c.Period < 1000 || *c.Period > 1_000_000):
		return fmt.Errorf("%speriod: must be from 1000 to 1000000, have %d", field, *c.Period)
	case c.Quota != nil && *c.Quota > 0 && *c.Quota < 1000:
		return fmt.Errorf("%squota: must be at least 1000, have %d", field, *c.Quota)
	case c.Burst != nil && c.Quota != nil && *c.Quota > 0 && *c.Burst > uint64(*c.Quota):
		return fmt.Errorf("%sburst: %d is above quota, %d", field, *c.Burst, *c.Quota)
	case c.RealtimeRuntime != nil && *c.RealtimeRuntime > 0 && c.RealtimePeriod != nil &&
		*c.RealtimePeriod > 0 && uint64(*c.RealtimeRuntime) > *c.RealtimePeriod:
		return fmt.Errorf("%srealtimeRuntime: %d is above realtimePeriod, %d",
			field, *c.RealtimeRuntime, *c.RealtimePeriod)
	case c.Idle != nil && *c.Idle != 0 && *c.Idle != 1:
		return fmt.Errorf("%sidle: must be 0 or 1, have %d", field, *c.Idle)
	}
	if err := validateCpuset(field+"cpus", c.Cpus); err != nil {
		return err
	}
	return validateCpuset(field+"mems", c.Mems)
}

// validateCpuset allows all that the kernel's bitmap_parselist might: its
// strides and words are more than ParseList knows.
func validateCpuset(field, text string) error {
	if !onlyOf(text, isLetter, isDigit, isByte(','), isByte('-'), isByte(':'), isByte('/'), isByte(' ')) {
		return fmt.Errorf("%s: want a list such as 0-3,5, have %s", field, quote(text))
	}
	return nil
}

func validateBlockIO(v *specs.LinuxResources) error {
	b := v.BlockIO
	if b == nil {
		return nil
	}
	const field = "linux.resources.blockIO"
	if err := validateWeights(field, b.Weight, b.LeafWeight); err != nil {
		return err
	}
	err := each(field+".weightDevice", b.WeightDevice, func(d *specs.LinuxWeightDevice) error {
		if err := validateBlockDevice(&d.LinuxBlockIODevice); err != nil {
			return err
		}
		return validateWeights("", d.Weight, d.LeafWeight)
	})
	if err != nil {
		return err
	}
	for _, f := range [...]struct {
		name string
		list []specs.LinuxThrottleDevice
	}{
		{".throttleReadBpsDevice", b.ThrottleReadBpsDevice}, {".throttleWriteBpsDevice", b.ThrottleWriteBpsDevice},
		{".throttleReadIOPSDevice", b.ThrottleReadIOPSDevice}, {".throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice},
	} {
		err := each(field+f.name, f.list, func(d *specs.LinuxThrottleDevice) error {
			return validateBlockDevice(&d.LinuxBlockIODevice)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// validateWeights: 10 to 1000 (v2's 1 to 10000 is made from it); 0 is "not
// set".
func validateWeights(field string, weight, leaf *uint16) error {
	if weight != nil && *weight != 0 {
		if err := between(field+".weight", int64(*weight), 10, 1000); err != nil {
			return err
		}
	}
	if leaf != nil && *leaf != 0 {
		return between(field+".leafWeight", int64(*leaf), 10, 1000)
	}
	return nil
}

func validateBlockDevice(d *specs.LinuxBlockIODevice) error {
	if err := between(".major", d.Major, 0, 1<<32-1); err != nil {
		return err
	}
	return between(".minor", d.Minor, 0, 1<<32-1)
}

// validateHugepages wants a size such as 2MB: it becomes part of a file's name.
func validateHugepages(v *specs.LinuxResources) error {
	seen := map[string]bool{}
	return each("linux.resources.hugepageLimits", v.HugepageLimits, func(l *specs.LinuxHugepageLimit) error {
		number := strings.TrimRight(l.Pagesize, "KMGB")
		switch unit := l.Pagesize[len(number):]; {
		case !isNumber(number), number == "0", unit != "KB" && unit != "MB" && unit != "GB":
			return fmt.Errorf(".pageSize: want a size such as 64KB, 2MB or 1GB, have %s", quote(l.Pagesize))
		case seen[l.Pagesize]:
			return fmt.Errorf(".pageSize: %s is there twice", l.Pagesize)
		}
		seen[l.Pagesize] = true
		return nil
	})
}

func validateNetwork(v *specs.LinuxResources) error {
	if v.Network == nil {
		return nil
	}
	return each("linux.resources.network.priorities", v.Network.Priorities, func(p *specs.LinuxInterfacePriority) error {
		if !isInterface(p.Name) {
			return fmt.Errorf(".name: %s is not the name of a network device", quote(p.Name))
		}
		return nil
	})
}

// validateRdma: a device's name is the first word of a line of rdma.max.
func validateRdma(v *specs.LinuxResources) error {
	return eachKey("linux.resources.rdma", v.Rdma, func(name string, _ specs.LinuxRdma) error {
		if name == "" || !onlyOf(name, isVisible) {
			return errors.New(": not the name of a device")
		}
		return nil
	})
}

// validateUnified: runtime-spec config-linux.md#unified. The key is the name
// of a file in the container's cgroup. A value may have several lines, each of
// which is one write.
func validateUnified(v *specs.LinuxResources) error {
	return eachKey("linux.resources.unified", v.Unified, func(key, value string) error {
		controller, parameter, _ := strings.Cut(key, ".")
		switch {
		case strings.Contains(key, "/"):
			return errors.New(": must be the name of a file, without slashes")
		case controller == "" || parameter == "" || !onlyOf(key, isLetter, isDigit, isByte('.'), isByte('_'), isByte('-')):
			return errors.New(": want controller.parameter")
		case isCgroupCore(key):
			return errors.New(": is the runtime's to write")
		case strings.IndexByte(value, 0) >= 0:
			return errors.New(": the value must not contain a NUL byte")
		}
		return nil
	})
}

// isCgroupCore says whether writing the file moves, stops or kills processes
// or changes the tree: no limit, and dangerous (cgroup.procs takes any pid).
func isCgroupCore(key string) bool {
	switch key {
	case "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control":
		return true
	}
	return false
}
