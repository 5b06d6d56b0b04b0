package compile

import "strings"

// capNames are the capabilities by number (include/uapi/linux/capability.h,
// Linux 5.9).
var capNames = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
	"LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
}

// CapNumber is the number of a capability named like CAP_SYS_ADMIN.
func CapNumber(name string) (int, bool) {
	short, ok := strings.CutPrefix(name, "CAP_")
	if !ok {
		return 0, false
	}
	for n, s := range capNames {
		if s == short {
			return n, true
		}
	}
	return 0, false
}

// CapNames lists all capabilities, for features.
func CapNames() []string {
	names := make([]string, len(capNames))
	for i, s := range capNames {
		names[i] = "CAP_" + s
	}
	return names
}
