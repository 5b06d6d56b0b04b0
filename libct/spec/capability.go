package spec

import "strings"

// capabilityNames are the kernel's, by number: include/uapi/linux/capability.h.
var capabilityNames = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
	"IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
	"LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

// Capability is the number of a capability by its name in a config.json, such
// as CAP_CHOWN. Lower case is not accepted, as in runc. A kernel may know
// fewer than the 41 of Linux 5.9.
func Capability(name string) (number uint, ok bool) {
	bare, ok := strings.CutPrefix(name, "CAP_")
	if !ok {
		return 0, false
	}
	for n, known := range capabilityNames {
		if known == bare {
			return uint(n), true
		}
	}
	return 0, false
}

// capabilitySet is the known ones of names, a bit each.
func capabilitySet(names []string) (set uint64) {
	for _, name := range names {
		if n, ok := Capability(name); ok {
			set |= 1 << n
		}
	}
	return set
}
