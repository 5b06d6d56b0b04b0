package spec

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Default is the configuration that `spec` writes, byte for byte that of runc
// 1.3 and later on a host with cgroup v1; see PrivateCgroup for v2.
func Default() *specs.Spec {
	return &specs.Spec{
		Version:  specs.Version,
		Process:  defaultProcess(),
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Hostname: "runc", // part of the interface: scripts compare the file
		Mounts:   defaultMounts(),
		Linux:    defaultLinux(),
	}
}

func defaultProcess() *specs.Process {
	caps := func() []string { return []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"} }
	return &specs.Process{
		Terminal: true,
		Args:     []string{"sh"},
		Env: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"TERM=xterm",
		},
		Cwd:             "/",
		NoNewPrivileges: true,
		Capabilities:    &specs.LinuxCapabilities{Bounding: caps(), Permitted: caps(), Effective: caps()},
		Rlimits:         []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024}},
	}
}

func defaultMounts() []specs.Mount {
	options := func(s string) []string { return strings.Split(s, ",") }
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs",
			Options: options("nosuid,strictatime,mode=755,size=65536k")},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
			Options: options("nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5")},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm",
			Options: options("nosuid,noexec,nodev,mode=1777,size=65536k")},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: options("nosuid,noexec,nodev")},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: options("nosuid,noexec,nodev,ro")},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
			Options: options("nosuid,noexec,nodev,relatime,ro")},
	}
}

func defaultLinux() *specs.Linux {
	return &specs.Linux{
		MaskedPaths: []string{
			"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
			"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
		},
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		Resources: &specs.LinuxResources{
			Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		},
		Namespaces: []specs.LinuxNamespace{
			{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
			{Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
		},
	}
}

// PrivateCgroup adds the cgroup namespace that runc's default has on a host
// where cgroup v2 is the only hierarchy.
func PrivateCgroup(s *specs.Spec) {
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
}

// Rootless changes a default configuration into one that works for the calling
// user without privileges: own ids as the container's root, the host's network,
// /sys bound from the host, no cgroup limits.
func Rootless(s *specs.Spec) {
	var kept []specs.LinuxNamespace
	for _, ns := range s.Linux.Namespaces {
		if ns.Type != specs.NetworkNamespace && ns.Type != specs.UserNamespace {
			kept = append(kept, ns)
		}
	}
	s.Linux.Namespaces = append(kept, specs.LinuxNamespace{Type: specs.UserNamespace})
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: uint32(os.Geteuid()), Size: 1}}
	s.Linux.GIDMappings = []specs.LinuxIDMapping{{HostID: uint32(os.Getegid()), Size: 1}}
	s.Linux.Resources = nil
	for i := range s.Mounts {
		rootlessMount(&s.Mounts[i])
	}
}

// rootlessMount binds /sys, which only its network namespace's owner can
// mount, and drops ids that are not mapped.
func rootlessMount(m *specs.Mount) {
	if filepath.Clean(m.Destination) == "/sys" {
		*m = specs.Mount{Destination: "/sys", Type: "none", Source: "/sys",
			Options: []string{"rbind", "nosuid", "noexec", "nodev", "ro"}}
		return
	}
	var options []string
	for _, o := range m.Options {
		if !strings.HasPrefix(o, "gid=") && !strings.HasPrefix(o, "uid=") {
			options = append(options, o)
		}
	}
	m.Options = options
}
