package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Version is a kernel version; patch levels add no features.
type Version struct{ Major, Minor int }

// Minimum is the oldest kernel rt runs on: the first with mount_setattr(2),
// openat2(2), close_range(2) and cgroup.kill together.
var Minimum = Version{5, 14}

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

func (v Version) String() string {
	return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor)
}

// Feature is something newer than Minimum that a setup can use, and the first
// kernel version that has it. A distributor may have ported it to an older
// kernel; then rt does without it.
type Feature struct {
	Name  string
	Since Version
}

// The features that setups distinguish, oldest first.
var (
	SeccompWaitKillable = Feature{"seccomp flag WAIT_KILLABLE_RECV", Version{5, 19}}
	IdmappedTmpfs       = Feature{"id-mapped tmpfs", Version{6, 3}}
	MemfdNoexecSeal     = Feature{"memfd_create flag MFD_NOEXEC_SEAL", Version{6, 3}}
	MoveMountBeneath    = Feature{"move_mount flag MOVE_MOUNT_BENEATH", Version{6, 5}}
	Fchmodat2           = Feature{"fchmodat2", Version{6, 6}}
	Statmount           = Feature{"statmount", Version{6, 8}}
	PidfdNamespaces     = Feature{"namespaces of a pidfd", Version{6, 11}}
	PidfdInfo           = Feature{"PIDFD_GET_INFO", Version{6, 13}}
	PidfdExit           = Feature{"PIDFD_INFO_EXIT", Version{6, 15}}
	OpenTreeAttr        = Feature{"open_tree_attr", Version{6, 15}}
	DetachedNested      = Feature{"mounting on a detached tree", Version{6, 15}}
	CloneDetached       = Feature{"cloning a detached mount", Version{6, 15}}
)

// Has reports whether the running kernel has a feature.
func (f Facts) Has(x Feature) bool { return !f.Kernel.Before(x.Since) }

// Require returns nil if the running kernel has a feature and an
// *UnsupportedError otherwise.
func (f Facts) Require(x Feature) error {
	if f.Has(x) {
		return nil
	}
	return &UnsupportedError{Feature: x.Name, Since: x.Since, Kernel: f.Kernel}
}

// UnsupportedError tells that the running kernel is too old for a feature.
// It matches errors.ErrUnsupported, and another *UnsupportedError of the same
// feature.
type UnsupportedError struct {
	Feature string
	Since   Version // the first kernel with the feature
	Kernel  Version // the running kernel
}

func (e *UnsupportedError) Error() string {
	return e.Feature + " needs Linux " + e.Since.String() + " or newer, this is " + e.Kernel.String()
}

// Is makes errors.Is match as described above.
func (e *UnsupportedError) Is(target error) bool {
	if target == errors.ErrUnsupported {
		return true
	}
	var other *UnsupportedError
	return errors.As(target, &other) && other.Feature == e.Feature
}

func kernelVersion() (Version, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Version{}, fmt.Errorf("uname: %w", err)
	}
	return parseRelease(unix.ByteSliceToString(u.Release[:]))
}

// parseRelease takes the version from a release such as "6.1.0-13-amd64" or
// "5.14-rc1".
func parseRelease(release string) (Version, error) {
	major, rest, ok := strings.Cut(release, ".")
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	maj, err1 := strconv.ParseUint(major, 10, 31)
	mnr, err2 := strconv.ParseUint(rest[:end], 10, 31)
	if !ok || err1 != nil || err2 != nil {
		return Version{}, fmt.Errorf("kernel release %q: not a version", release)
	}
	return Version{int(maj), int(mnr)}, nil
}
