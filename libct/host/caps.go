package host

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// CapSet is a set of capabilities, bit N standing for capability N.
type CapSet uint64

// Has reports whether capability c is in the set.
func (s CapSet) Has(c int) bool { return c >= 0 && c < 64 && s>>c&1 != 0 }

// String prints the set as /proc/PID/status does.
func (s CapSet) String() string {
	hex := strconv.FormatUint(uint64(s), 16)
	return "0000000000000000"[len(hex):] + hex
}

func effectiveCaps() (CapSet, error) {
	var data [2]unix.CapUserData
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return 0, fmt.Errorf("capget: %w", err)
	}
	return CapSet(data[1].Effective)<<32 | CapSet(data[0].Effective), nil
}

// lastCap finds the highest capability that the kernel knows. It is 40
// (CAP_CHECKPOINT_RESTORE, Linux 5.9) on every kernel so far that rt runs on,
// so two calls answer what /proc/sys/kernel/cap_last_cap would.
func lastCap() int {
	c := unix.CAP_CHECKPOINT_RESTORE
	for c < 63 && known(c+1) {
		c++
	}
	for c > 0 && !known(c) {
		c--
	}
	return c
}

func known(c int) bool {
	_, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0)
	return err == nil
}
