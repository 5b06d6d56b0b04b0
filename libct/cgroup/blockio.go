package cgroup

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// throttle is one of the four lists of rate limits, with its files.
type throttle struct {
	field, v1, v2 string
	list          func(b *specs.LinuxBlockIO) []specs.LinuxThrottleDevice
}

var throttles = [...]throttle{
	{"blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps",
		func(b *specs.LinuxBlockIO) []specs.LinuxThrottleDevice { return b.ThrottleReadBpsDevice }},
	{"blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps",
		func(b *specs.LinuxBlockIO) []specs.LinuxThrottleDevice { return b.ThrottleWriteBpsDevice }},
	{"blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops",
		func(b *specs.LinuxBlockIO) []specs.LinuxThrottleDevice { return b.ThrottleReadIOPSDevice }},
	{"blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops",
		func(b *specs.LinuxBlockIO) []specs.LinuxThrottleDevice { return b.ThrottleWriteIOPSDevice }},
}

func blockIOField(r *resources) (field string, any bool) {
	b := r.BlockIO
	switch {
	case b == nil:
		return "", false
	case set(b.Weight):
		return "blockIO.weight", true
	case set(b.LeafWeight):
		return "blockIO.leafWeight", true
	case len(b.WeightDevice) > 0:
		return "blockIO.weightDevice", true
	}
	for i := range throttles {
		if len(throttles[i].list(b)) > 0 {
			return throttles[i].field, true
		}
	}
	return "", false
}

// applyBlockIOV1 writes the limits of cgroup-v1/blkio-controller.rst.
func applyBlockIOV1(d *dir, r *resources) error {
	b := r.BlockIO
	if set(b.Weight) {
		if err := writeWeight(d.path, "weight", strconv.Itoa(int(*b.Weight))); err != nil {
			return err
		}
	}
	if set(b.LeafWeight) {
		if err := writeUint(d.path, "blkio.leaf_weight", uint64(*b.LeafWeight)); err != nil {
			return err
		}
	}
	for i := range b.WeightDevice {
		w := &b.WeightDevice[i]
		if set(w.Weight) {
			if err := writeWeight(d.path, "weight_device", deviceValue(w.Major, w.Minor, uint64(*w.Weight))); err != nil {
				return err
			}
		}
		if set(w.LeafWeight) {
			if err := writeFile(d.path, "blkio.leaf_weight_device", deviceValue(w.Major, w.Minor, uint64(*w.LeafWeight))); err != nil {
				return err
			}
		}
	}
	for i := range throttles {
		for _, t := range throttles[i].list(b) {
			if err := writeFile(d.path, throttles[i].v1, deviceValue(t.Major, t.Minor, t.Rate)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeWeight prefers CFQ's files, which kernels before 5.0 had and some
// distributions keep, to BFQ's.
func writeWeight(dir, file, value string) error {
	err := writeFile(dir, "blkio."+file, value)
	if absent(err) {
		return writeFile(dir, "blkio.bfq."+file, value)
	}
	return err
}

// deviceValue formats "MAJOR:MINOR VALUE".
func deviceValue(major, minor int64, n uint64) string {
	return device(major, minor) + strconv.FormatUint(n, 10)
}

func device(major, minor int64) string {
	return strconv.FormatInt(major, 10) + ":" + strconv.FormatInt(minor, 10) + " "
}

// applyBlockIOV2 writes the limits of cgroup-v2.rst, "IO Interface Files".
func applyBlockIOV2(d *dir, r *resources) error {
	b := r.BlockIO
	if set(b.LeafWeight) {
		return fmt.Errorf("blockIO.leafWeight: %w", ErrNotInV2)
	}
	if set(b.Weight) {
		// BFQ takes the v1 range, io.weight (iocost) another.
		err := writeUint(d.path, "io.bfq.weight", uint64(*b.Weight))
		if absent(err) {
			err = writeUint(d.path, "io.weight", IOWeight(*b.Weight))
		}
		if err != nil {
			return err
		}
	}
	for i := range b.WeightDevice {
		if err := applyWeightDeviceV2(d.path, &b.WeightDevice[i]); err != nil {
			return err
		}
	}
	for i := range throttles {
		for _, t := range throttles[i].list(b) {
			if err := writeFile(d.path, "io.max", ioMax(t, throttles[i].v2)); err != nil {
				return err
			}
		}
	}
	return nil
}

func applyWeightDeviceV2(dir string, w *specs.LinuxWeightDevice) error {
	if set(w.LeafWeight) {
		return fmt.Errorf("blockIO.weightDevice leafWeight: %w", ErrNotInV2)
	}
	if !set(w.Weight) {
		return nil
	}
	err := writeFile(dir, "io.bfq.weight", deviceValue(w.Major, w.Minor, uint64(*w.Weight)))
	if absent(err) {
		return writeFile(dir, "io.weight", deviceValue(w.Major, w.Minor, IOWeight(*w.Weight)))
	}
	return err
}

// ioMax formats "MAJOR:MINOR KEY=RATE"; a rate of 0 lifts the limit, as it
// does in v1.
func ioMax(t specs.LinuxThrottleDevice, key string) string {
	rate := "max"
	if t.Rate != 0 {
		rate = strconv.FormatUint(t.Rate, 10)
	}
	return device(t.Major, t.Minor) + key + "=" + rate
}

func blockIOFilesV1(*resources) []string {
	files := []string{
		"blkio.weight", "blkio.weight_device", "blkio.bfq.weight", "blkio.bfq.weight_device", "blkio.leaf_weight", "blkio.leaf_weight_device",
	}
	for i := range throttles {
		files = append(files, throttles[i].v1)
	}
	return files
}

func blockIOFilesV2(*resources) []string {
	return []string{"io.bfq.weight", "io.weight", "io.max"}
}
