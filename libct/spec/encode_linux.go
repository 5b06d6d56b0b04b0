package spec

import "github.com/opencontainers/runtime-spec/specs-go"

func putLinux(w *writer, l *specs.Linux) {
	optObject(w, "linux", l, func(w *writer, l *specs.Linux) {
		optArray(w, "uidMappings", l.UIDMappings, putIDMapping)
		optArray(w, "gidMappings", l.GIDMappings, putIDMapping)
		optMap(w, "sysctl", l.Sysctl, (*writer).String)
		optObject(w, "resources", l.Resources, putResources)
		optString(w, "cgroupsPath", l.CgroupsPath)
		optArray(w, "namespaces", l.Namespaces, putNamespace)
		optArray(w, "devices", l.Devices, putDevice)
		optMap(w, "netDevices", l.NetDevices, func(w *writer, d specs.LinuxNetDevice) {
			w.Object(func() { optString(w, "name", d.Name) })
		})
		optObject(w, "seccomp", l.Seccomp, putSeccomp)
		optString(w, "rootfsPropagation", l.RootfsPropagation)
		optArray(w, "maskedPaths", l.MaskedPaths, str)
		optArray(w, "readonlyPaths", l.ReadonlyPaths, str)
		optString(w, "mountLabel", l.MountLabel)
		optObject(w, "intelRdt", l.IntelRdt, putIntelRdt)
		optObject(w, "memoryPolicy", l.MemoryPolicy, func(w *writer, m *specs.LinuxMemoryPolicy) {
			putString(w, "mode", m.Mode)
			putString(w, "nodes", m.Nodes)
			optArray(w, "flags", m.Flags, str)
		})
		optObject(w, "personality", l.Personality, func(w *writer, p *specs.LinuxPersonality) {
			putString(w, "domain", p.Domain)
			optArray(w, "flags", p.Flags, str)
		})
		optMap(w, "timeOffsets", l.TimeOffsets, putTimeOffset)
	})
}

func putNamespace(w *writer, n *specs.LinuxNamespace) {
	w.Object(func() {
		putString(w, "type", n.Type)
		optString(w, "path", n.Path)
	})
}

func putDevice(w *writer, d *specs.LinuxDevice) {
	w.Object(func() {
		putString(w, "path", d.Path)
		putString(w, "type", d.Type)
		putInt(w, "major", d.Major)
		putInt(w, "minor", d.Minor)
		optPtr(w, "fileMode", d.FileMode, putUint)
		optPtr(w, "uid", d.UID, putUint)
		optPtr(w, "gid", d.GID, putUint)
	})
}

func putSeccomp(w *writer, s *specs.LinuxSeccomp) {
	putString(w, "defaultAction", s.DefaultAction)
	optPtr(w, "defaultErrnoRet", s.DefaultErrnoRet, putUint)
	optArray(w, "architectures", s.Architectures, str)
	optArray(w, "flags", s.Flags, str)
	optString(w, "listenerPath", s.ListenerPath)
	optString(w, "listenerMetadata", s.ListenerMetadata)
	optArray(w, "syscalls", s.Syscalls, putSyscall)
}

func putSyscall(w *writer, s *specs.LinuxSyscall) {
	w.Object(func() {
		putArray(w, "names", s.Names, str)
		putString(w, "action", s.Action)
		optPtr(w, "errnoRet", s.ErrnoRet, putUint)
		optArray(w, "args", s.Args, func(w *writer, a *specs.LinuxSeccompArg) {
			w.Object(func() {
				putUint(w, "index", a.Index)
				putUint(w, "value", a.Value)
				optUint(w, "valueTwo", a.ValueTwo)
				putString(w, "op", a.Op)
			})
		})
	})
}

func putIntelRdt(w *writer, v *specs.LinuxIntelRdt) {
	optString(w, "closID", v.ClosID)
	optArray(w, "schemata", v.Schemata, str)
	optString(w, "l3CacheSchema", v.L3CacheSchema)
	optString(w, "memBwSchema", v.MemBwSchema)
	optBool(w, "enableMonitoring", v.EnableMonitoring)
}

func putTimeOffset(w *writer, t specs.LinuxTimeOffset) {
	w.Object(func() {
		optInt(w, "secs", t.Secs)
		optUint(w, "nanosecs", t.Nanosecs)
	})
}
