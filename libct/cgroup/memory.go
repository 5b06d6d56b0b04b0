package cgroup

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

func memoryField(r *resources) (field string, any bool) {
	m := r.Memory
	if m == nil {
		return "", false
	}
	switch {
	case limits(m.Limit):
		field = "memory.limit"
	case limits(m.Swap):
		field = "memory.swap"
	case limits(m.Reservation):
		field = "memory.reservation"
	case m.Swappiness != nil && *m.Swappiness != ^uint64(0):
		field = "memory.swappiness"
	case m.DisableOOMKiller != nil && *m.DisableOOMKiller:
		field = "memory.disableOOMKiller"
	}
	return field, field != "" || set(m.Limit) || set(m.Swap) || set(m.Reservation)
}

// limits: 0 is "not set", -1 is "unlimited".
func limits(p *int64) bool { return p != nil && *p != 0 && *p != -1 }

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// applyMemoryV1 writes the limits of cgroup-v1/memory.rst.
func applyMemoryV1(d *dir, r *resources) error {
	m := r.Memory
	if err := applyLimitAndSwapV1(d.path, value(m.Limit), value(m.Swap)); err != nil {
		return err
	}
	if set(m.Reservation) {
		if err := writeInt(d.path, "memory.soft_limit_in_bytes", *m.Reservation); err != nil {
			return err
		}
	}
	if m.DisableOOMKiller != nil && *m.DisableOOMKiller {
		if err := writeFile(d.path, "memory.oom_control", "1"); err != nil {
			return err
		}
	}
	if m.Swappiness == nil || *m.Swappiness == ^uint64(0) {
		return nil
	}
	if *m.Swappiness > 100 {
		return fmt.Errorf("invalid memory swappiness value: %d (valid range is 0-100)", *m.Swappiness)
	}
	return writeUint(d.path, "memory.swappiness", *m.Swappiness)
}

// applyLimitAndSwapV1 finds an order that the kernel accepts: it refuses
// (EINVAL) a memory limit above memory+swap at any moment. Memory first is
// right for a new group and for lowering; if refused, both are raised.
func applyLimitAndSwapV1(dir string, limit, swap int64) error {
	implied := limit == -1 && swap == 0
	if implied {
		swap = -1
	}
	err := writeLimitV1(dir, limit)
	if err == nil {
		return writeSwapV1(dir, swap, implied)
	}
	if swap == 0 || !errors.Is(err, unix.EINVAL) {
		return err
	}
	if err := writeSwapV1(dir, swap, implied); err != nil {
		return err
	}
	return writeLimitV1(dir, limit)
}

// writeLimitV1 tells what is in use if the kernel cannot reclaim enough.
func writeLimitV1(dir string, limit int64) error {
	if limit == 0 {
		return nil
	}
	err := writeInt(dir, "memory.limit_in_bytes", limit)
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	usage, _ := readKnob(dir, "memory.usage_in_bytes")
	peak, _ := readKnob(dir, "memory.max_usage_in_bytes")
	return fmt.Errorf("%w: unable to set memory limit to %d (current usage: %s, peak usage: %s)", err, limit, usage, peak)
}

// writeSwapV1 writes memory+swap. Without swap accounting there is nothing
// to lift.
func writeSwapV1(dir string, swap int64, implied bool) error {
	if swap == 0 {
		return nil
	}
	err := writeInt(dir, "memory.memsw.limit_in_bytes", swap)
	if (implied || swap == -1) && absent(err) {
		return nil
	}
	return err
}

// applyMemoryV2 writes the limits of cgroup-v2.rst, "Memory Interface Files".
func applyMemoryV2(d *dir, r *resources) error {
	m := r.Memory
	if m.DisableOOMKiller != nil && *m.DisableOOMKiller {
		return fmt.Errorf("memory.disableOOMKiller: %w", ErrNotInV2)
	}
	if m.Swappiness != nil && *m.Swappiness != ^uint64(0) {
		return fmt.Errorf("memory.swappiness: %w", ErrNotInV2)
	}
	limit, total := value(m.Limit), value(m.Swap)
	if m.CheckBeforeUpdate != nil && *m.CheckBeforeUpdate {
		if err := checkUsage(d.path, limit, total); err != nil {
			return err
		}
	}
	swap, err := swapMax(limit, total)
	if err != nil {
		return err
	}
	if swap != "" {
		err := writeFile(d.path, "memory.swap.max", swap)
		// Without swap there is nothing to limit or to lift.
		if err != nil && !(absent(err) && (swap == "0" || swap == "max")) {
			return err
		}
	}
	if limit != 0 {
		if err := writeFile(d.path, "memory.max", orMax(limit)); err != nil {
			return err
		}
	}
	if set(m.Reservation) {
		return writeFile(d.path, "memory.low", orMax(*m.Reservation))
	}
	return nil
}

// checkUsage refuses a limit that the group already exceeds, instead of
// having its processes killed: v2 does not refuse by itself.
func checkUsage(dir string, limit, total int64) error {
	text, err := readKnob(dir, "memory.current")
	if err != nil {
		return err
	}
	usage, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return pathError("read", dir+"/memory.current", err)
	}
	if total > 0 && total <= usage {
		return fmt.Errorf("rejecting memory+swap limit %d <= usage %d", total, usage)
	}
	if limit > 0 && limit <= usage {
		return fmt.Errorf("rejecting memory limit %d <= usage %d", limit, usage)
	}
	return nil
}

func memoryFilesV1(*resources) []string {
	return []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.oom_control", "memory.swappiness"}
}

func memoryFilesV2(*resources) []string {
	return []string{"memory.max", "memory.swap.max", "memory.low"}
}
