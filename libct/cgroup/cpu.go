package cgroup

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The kernel clamps cpu.shares silently to this range.
const minShares, maxShares = 2, 1 << 18

// defaultPeriod of cpu.max, in microseconds (cgroup-v2.rst).
const defaultPeriod = 100000

func cpuField(r *resources) (field string, any bool) {
	c := r.CPU
	if c == nil {
		return "", false
	}
	switch {
	case set(c.Shares):
		field = "cpu.shares"
	case limits(c.Quota):
		field = "cpu.quota"
	case set(c.Period):
		field = "cpu.period"
	case c.Burst != nil:
		field = "cpu.burst"
	case set(c.RealtimeRuntime):
		field = "cpu.realtimeRuntime"
	case set(c.RealtimePeriod):
		field = "cpu.realtimePeriod"
	case c.Idle != nil:
		field = "cpu.idle"
	}
	return field, field != "" || set(c.Quota)
}

// applyCPUV1 writes the limits of scheduler/sched-bwc.rst and sched-rt-group.rst.
func applyCPUV1(d *dir, r *resources) error {
	c := r.CPU
	if set(c.Shares) {
		if err := writeShares(d.path, *c.Shares); err != nil {
			return err
		}
	}
	if err := applyBandwidthV1(d.path, c); err != nil {
		return err
	}
	if c.Idle != nil {
		if err := writeInt(d.path, "cpu.idle", *c.Idle); err != nil {
			return err
		}
	}
	return applyRealtime(d.path, c)
}

func writeShares(dir string, shares uint64) error {
	switch {
	case shares > maxShares:
		return fmt.Errorf("the maximum allowed cpu-shares is %d", maxShares)
	case shares < minShares:
		return fmt.Errorf("the minimum allowed cpu-shares is %d", minShares)
	}
	return writeUint(dir, "cpu.shares", shares)
}

// applyBandwidthV1 writes period, burst and quota. The kernel checks each
// against the two others' old values and the parent (EINVAL): what was
// refused is written again after the quota.
func applyBandwidthV1(dir string, c *specs.LinuxCPU) error {
	quota := set(c.Quota)
	period, err := tryUint(dir, "cpu.cfs_period_us", c.Period, quota)
	if err != nil {
		return err
	}
	burst, err := tryBurst(dir, "cpu.cfs_burst_us", c.Burst, quota)
	if err != nil || !quota {
		return err
	}
	if err := writeInt(dir, "cpu.cfs_quota_us", *c.Quota); err != nil {
		return err
	}
	if period {
		if err := writeUint(dir, "cpu.cfs_period_us", *c.Period); err != nil {
			return err
		}
	}
	if burst {
		return writeUint(dir, "cpu.cfs_burst_us", *c.Burst)
	}
	return nil
}

// tryUint writes a value that is set. again says that it was refused and has
// to be written after another value.
func tryUint(dir, file string, n *uint64, later bool) (again bool, err error) {
	if !set(n) {
		return false, nil
	}
	err = writeUint(dir, file, *n)
	if later && errors.Is(err, unix.EINVAL) {
		return true, nil
	}
	return false, err
}

// tryBurst is tryUint for a value where 0 counts.
func tryBurst(dir, file string, n *uint64, later bool) (again bool, err error) {
	if n != nil && *n == 0 {
		return false, writeFile(dir, file, "0")
	}
	return tryUint(dir, file, n, later)
}

// applyRealtime writes the realtime share; period and runtime depend on one
// another as above.
func applyRealtime(dir string, c *specs.LinuxCPU) error {
	again, err := tryUint(dir, "cpu.rt_period_us", c.RealtimePeriod, set(c.RealtimeRuntime))
	if err != nil {
		return err
	}
	if set(c.RealtimeRuntime) {
		if err := writeInt(dir, "cpu.rt_runtime_us", *c.RealtimeRuntime); err != nil {
			return err
		}
	}
	if again {
		return writeUint(dir, "cpu.rt_period_us", *c.RealtimePeriod)
	}
	return nil
}

// applyCPUV2 writes the limits of cgroup-v2.rst, "CPU Interface Files".
func applyCPUV2(d *dir, r *resources) error {
	c := r.CPU
	if set(c.RealtimeRuntime) || set(c.RealtimePeriod) {
		return fmt.Errorf("cpu.realtimeRuntime: %w", ErrNotInV2)
	}
	if c.Idle != nil {
		if err := writeInt(d.path, "cpu.idle", *c.Idle); err != nil {
			return err
		}
	}
	if set(c.Shares) {
		if err := writeUint(d.path, "cpu.weight", Weight(*c.Shares)); err != nil {
			return err
		}
	}
	bandwidth := set(c.Quota) || set(c.Period)
	again, err := tryBurst(d.path, "cpu.max.burst", c.Burst, bandwidth)
	if err != nil || !bandwidth {
		return err
	}
	if err := writeFile(d.path, "cpu.max", cpuMax(c)); err != nil {
		return err
	}
	if again {
		return writeUint(d.path, "cpu.max.burst", *c.Burst)
	}
	return nil
}

// cpuMax formats "QUOTA PERIOD".
func cpuMax(c *specs.LinuxCPU) string {
	quota, period := "max", uint64(defaultPeriod)
	if c.Quota != nil && *c.Quota > 0 {
		quota = strconv.FormatInt(*c.Quota, 10)
	}
	if set(c.Period) {
		period = *c.Period
	}
	return quota + " " + strconv.FormatUint(period, 10)
}

func cpusetField(r *resources) (field string, any bool) {
	switch {
	case r.CPU == nil:
	case r.CPU.Cpus != "":
		field = "cpu.cpus"
	case r.CPU.Mems != "":
		field = "cpu.mems"
	}
	return field, field != ""
}

// applyCpuset writes lists such as "0-3,7"; the files are the same in v1
// and v2.
func applyCpuset(d *dir, r *resources) error {
	if r.CPU.Cpus != "" {
		if err := writeFile(d.path, "cpuset.cpus", r.CPU.Cpus); err != nil {
			return err
		}
	}
	if r.CPU.Mems != "" {
		return writeFile(d.path, "cpuset.mems", r.CPU.Mems)
	}
	return nil
}

func cpuFilesV1(*resources) []string {
	return []string{"cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us", "cpu.idle", "cpu.rt_period_us", "cpu.rt_runtime_us"}
}

func cpuFilesV2(*resources) []string {
	return []string{"cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle"}
}

func cpusetFiles(*resources) []string { return []string{"cpuset.cpus", "cpuset.mems"} }
