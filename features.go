package main

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/jsontext"
	"rt/libct/landlock"
	"rt/libct/seccomp"
	"rt/libct/systemd"
)

//go:embed help/features.txt
var featuresHelp string

func featuresCommand() *cli.Command {
	return &cli.Command{
		Name:               "features",
		Usage:              "show the enabled features",
		CustomHelpTemplate: featuresHelp,
		HideHelpCommand:    true,
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 0, 0); err != nil {
				return err
			}
			_, err := c.App.Writer.Write(append(features(), '\n'))
			return err
		},
	}
}

// features is the document of runtime-spec features.md and features-linux.md.
// It lists what rt carries out; a field is absent where rt does nothing.
func features() []byte {
	f := featureWriter{jsontext.NewWriter("    ")}
	f.Object(func() {
		f.text("ociVersionMin", "1.0.0")
		f.text("ociVersionMax", specs.Version)
		f.list("hooks", hookNames())
		f.list("mountOptions", mountOptions())
		f.Key("linux")
		f.Object(f.linux)
		f.Key("annotations")
		f.Object(func() {
			f.text("org.opencontainers.runc.checkpoint.enabled", "true")
			f.text("org.rt.landlock.abi", strconv.Itoa(landlock.Newest))
			f.text("org.rt.landlock.annotations", strings.Join(landlock.Annotations(), " "))
			f.text("rt.version", version)
		})
		f.list("potentiallyUnsafeConfigAnnotations", []string{"bundle", landlock.Prefix, systemd.AnnotationPrefix})
	})
	return f.Bytes()
}

// featureWriter adds the three kinds of member that the document consists of.
type featureWriter struct{ *jsontext.Writer }

func (f featureWriter) text(key, value string) {
	f.Key(key)
	f.String(value)
}

func (f featureWriter) list(key string, values []string) {
	f.Key(key)
	f.Array(func() {
		for _, v := range values {
			f.String(v)
		}
	})
}

// switches writes an object of booleans, given as name, value, name, value.
func (f featureWriter) switches(key string, names []string, on ...bool) {
	f.Key(key)
	f.Object(func() {
		for i, name := range names {
			f.Key(name)
			f.Bool(on[i])
		}
	})
}

func (f featureWriter) linux() {
	f.list("namespaces", namespaceNames())
	f.list("capabilities", capabilityNames())
	f.switches("cgroup", []string{"v1", "v2", "systemd", "systemdUser", "rdma"}, true, true, true, true, true)
	f.Key("seccomp")
	f.Object(f.seccomp)
	f.switches("apparmor", []string{"enabled"}, true)
	f.switches("selinux", []string{"enabled"}, true)
	f.switches("intelRdt", []string{"enabled", "schemata", "monitoring"}, true, true, true)
	f.Key("memoryPolicy")
	f.Object(func() {
		modes, flags := compile.MemoryPolicies()
		f.list("modes", modes)
		f.list("flags", flags)
	})
	f.Key("mountExtensions")
	f.Object(func() { f.switches("idmap", []string{"enabled"}, true) })
	f.switches("netDevices", []string{"enabled"}, true)
}

func (f featureWriter) seccomp() {
	flags := seccomp.Host{SupportedFlags: uint32(host.Facts{}.SeccompFlags())}
	f.Key("enabled")
	f.Bool(true)
	f.list("actions", seccomp.KnownActions())
	f.list("operators", seccomp.KnownOperators())
	f.list("archs", seccomp.KnownArchs())
	f.list("knownFlags", seccomp.KnownFlags())
	f.list("supportedFlags", seccomp.SupportedFlags(flags))
}

// mountOptions is sorted, so that two versions of the document compare well.
func mountOptions() []string {
	names := compile.MountOptions()
	slices.Sort(names)
	return slices.Compact(names)
}

// Hooks in the order in which they run (runtime-spec config.md#posix-platform-hooks).
func hookNames() []string {
	return []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
}

func namespaceNames() []string {
	return []string{"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}
}

// capabilityNames are in the kernel's order, linux/capability.h.
func capabilityNames() []string {
	return strings.Fields(`
		CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID
		CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW
		CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT
		CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD
		CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG
		CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE`)
}
