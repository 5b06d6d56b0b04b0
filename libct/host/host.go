// Package host learns what a container's setup depends on from the machine:
// kernel release, ids, capabilities, security modules, the inherited limit of
// open files. Probe reads it once; the result is a plain value that tests fill
// in by hand and that prints itself.
//
// It may import the standard library and x/sys/unix. It must never change
// anything on the host, and must stay cheap: every command probes.
package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rt/libct/host/nofile"
)

// Facts is what compile may know about the host.
type Facts struct {
	// Kernel is the running kernel's version.
	Kernel Version
	// UID and GID are the real ids, EUID and EGID the effective ones, all as
	// seen in the user namespace of this process.
	UID, EUID, GID, EGID int
	// InitialUserns is whether this is the initial user namespace, so that
	// capabilities hold against the whole host.
	InitialUserns bool
	// Effective is the effective capability set of this process.
	Effective CapSet
	// LastCap is the highest capability the kernel knows.
	LastCap int
	// LSMs are the security modules that label or confine processes by
	// profile and are enabled.
	LSMs LSM
	// Landlock is the ABI of Landlock that the kernel has enabled, 0 if none.
	Landlock int
	// Nofile is RLIMIT_NOFILE as inherited, before Go raised it.
	Nofile Rlimit
	// Seccomp overrides what SeccompFlags would ask the kernel, if not zero.
	Seccomp uint
}

// Rlimit is a soft and a hard resource limit.
type Rlimit struct{ Soft, Hard uint64 }

// Probe reads the facts of this host. The error is an *UnsupportedError when
// the kernel is older than Minimum.
func Probe() (Facts, error) {
	f := Facts{UID: os.Getuid(), EUID: os.Geteuid(), GID: os.Getgid(), EGID: os.Getegid()}
	var err error
	if f.Kernel, err = kernelVersion(); err != nil {
		return Facts{}, err
	}
	if f.Kernel.Before(Minimum) {
		return Facts{}, &UnsupportedError{Feature: "rt", Since: Minimum, Kernel: f.Kernel}
	}
	if f.InitialUserns, err = initialUserns(); err != nil {
		return Facts{}, err
	}
	if f.Effective, err = effectiveCaps(); err != nil {
		return Facts{}, err
	}
	f.LastCap = lastCap()
	f.LSMs = enabledLSMs()
	f.Landlock = landlockABI()
	soft, hard, ok := nofile.Inherited()
	if !ok {
		return Facts{}, fmt.Errorf("prlimit64 RLIMIT_NOFILE: refused by the kernel")
	}
	f.Nofile = Rlimit{Soft: soft, Hard: hard}
	return f, nil
}

// Privileged reports whether this process may do all that a container on this
// host can need: it is root of the initial user namespace with CAP_SYS_ADMIN.
// Otherwise containers are rootless.
func (f Facts) Privileged() bool {
	return f.EUID == 0 && f.InitialUserns && f.Effective.Has(unix.CAP_SYS_ADMIN)
}

// SeccompFlags returns the flags of seccomp(SECCOMP_SET_MODE_FILTER) that the
// kernel takes, as a bit mask. It asks the kernel on every call (six system
// calls), so callers without a seccomp section should not call it.
func (f Facts) SeccompFlags() uint {
	if f.Seccomp != 0 {
		return f.Seccomp
	}
	return seccompFlags()
}

// String prints the facts, one to a line.
func (f Facts) String() string {
	return fmt.Sprintf("kernel %s\nuid %d euid %d gid %d egid %d\nprivileged %t\ninitial user namespace %t\n"+
		"effective capabilities %s\nlast capability %d\nsecurity modules %s\nlandlock ABI %d\nnofile %d:%d\n",
		f.Kernel, f.UID, f.EUID, f.GID, f.EGID, f.Privileged(), f.InitialUserns,
		f.Effective, f.LastCap, f.LSMs, f.Landlock, f.Nofile.Soft, f.Nofile.Hard)
}
