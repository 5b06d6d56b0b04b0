package libct

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
)

// kernelMounts lists the mount points outside of the rootfs where the root of a
// proc or sysfs file system is mounted, unless the container joins a mount
// namespace, which is somebody else's.
func kernelMounts(in *compile.Input) ([]string, error) {
	if in.Spec.Linux != nil {
		for _, ns := range in.Spec.Linux.Namespaces {
			if ns.Type == specs.MountNamespace && ns.Path != "" {
				return nil, nil
			}
		}
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	return kernelMountsOf(string(table), in.Rootfs), nil
}

// kernelMountsOf reads a mount table (proc_pid_mountinfo(5)).
func kernelMountsOf(table, rootfs string) (list []string) {
	for line := range strings.Lines(table) {
		mount, super, ok := strings.Cut(line, " - ")
		f := strings.Fields(mount)
		kind, _, _ := strings.Cut(super, " ")
		if !ok || len(f) < 5 || f[3] != "/" || (kind != "proc" && kind != "sysfs") {
			continue
		}
		point := unescape(f[4])
		if point != rootfs && !strings.HasPrefix(point, rootfs+"/") {
			list = append(list, point)
		}
	}
	return list
}

// unescape undoes the \\ooo of spaces, tabs, newlines and backslashes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
