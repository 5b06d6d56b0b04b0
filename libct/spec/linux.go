package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var linuxNames = []string{
	"uidMappings", "gidMappings", "sysctl", "resources", "cgroupsPath", "namespaces", "devices",
	"netDevices", "seccomp", "rootfsPropagation", "maskedPaths", "readonlyPaths", "mountLabel",
	"intelRdt", "memoryPolicy", "personality", "timeOffsets",
}

func linux(r *reader, v *specs.Linux) error {
	return r.Fields(linuxNames, func(name string) error {
		switch name {
		case "uidMappings":
			return jsontext.SetSlice(r, &v.UIDMappings, idMapping)
		case "gidMappings":
			return jsontext.SetSlice(r, &v.GIDMappings, idMapping)
		case "sysctl":
			return jsontext.SetMap(r, &v.Sysctl, jsontext.SetString)
		case "resources":
			return jsontext.SetPtr(r, &v.Resources, resources)
		case "cgroupsPath":
			return jsontext.SetString(r, &v.CgroupsPath)
		case "namespaces":
			return jsontext.SetSlice(r, &v.Namespaces, namespace)
		case "devices":
			return jsontext.SetSlice(r, &v.Devices, device)
		case "netDevices":
			return jsontext.SetMap(r, &v.NetDevices, netDevice)
		case "seccomp":
			return jsontext.SetPtr(r, &v.Seccomp, seccomp)
		}
		return isolation(r, v, name)
	})
}

// isolation reads the rest of linux's members.
func isolation(r *reader, v *specs.Linux, name string) error {
	switch name {
	case "rootfsPropagation":
		return jsontext.SetString(r, &v.RootfsPropagation)
	case "maskedPaths":
		return jsontext.SetSlice(r, &v.MaskedPaths, jsontext.SetString)
	case "readonlyPaths":
		return jsontext.SetSlice(r, &v.ReadonlyPaths, jsontext.SetString)
	case "mountLabel":
		return jsontext.SetString(r, &v.MountLabel)
	case "intelRdt":
		return jsontext.SetPtr(r, &v.IntelRdt, intelRdt)
	case "memoryPolicy":
		return jsontext.SetPtr(r, &v.MemoryPolicy, memoryPolicy)
	case "personality":
		return jsontext.SetPtr(r, &v.Personality, personality)
	case "timeOffsets":
		return jsontext.SetMap(r, &v.TimeOffsets, timeOffset)
	}
	return r.Skip()
}

var namespaceNames = []string{"type", "path"}

func namespace(r *reader, v *specs.LinuxNamespace) error {
	return r.Fields(namespaceNames, func(name string) error {
		if name == "type" {
			return jsontext.SetString(r, &v.Type)
		}
		return jsontext.SetString(r, &v.Path)
	})
}

var deviceNames = []string{"path", "type", "major", "minor", "fileMode", "uid", "gid"}

func device(r *reader, v *specs.LinuxDevice) error {
	return r.Fields(deviceNames, func(name string) error {
		switch name {
		case "path":
			return jsontext.SetString(r, &v.Path)
		case "type":
			return jsontext.SetString(r, &v.Type)
		case "major":
			return jsontext.SetInt(r, &v.Major)
		case "minor":
			return jsontext.SetInt(r, &v.Minor)
		case "fileMode":
			return jsontext.SetPtr(r, &v.FileMode, jsontext.SetUint)
		case "uid":
			return jsontext.SetPtr(r, &v.UID, jsontext.SetUint)
		}
		return jsontext.SetPtr(r, &v.GID, jsontext.SetUint)
	})
}

var netDeviceNames = []string{"name"}

func netDevice(r *reader, v *specs.LinuxNetDevice) error {
	return r.Fields(netDeviceNames, func(string) error { return jsontext.SetString(r, &v.Name) })
}

var intelRdtNames = []string{"closID", "schemata", "l3CacheSchema", "memBwSchema", "enableMonitoring"}

func intelRdt(r *reader, v *specs.LinuxIntelRdt) error {
	return r.Fields(intelRdtNames, func(name string) error {
		switch name {
		case "closID":
			return jsontext.SetString(r, &v.ClosID)
		case "schemata":
			return jsontext.SetSlice(r, &v.Schemata, jsontext.SetString)
		case "l3CacheSchema":
			return jsontext.SetString(r, &v.L3CacheSchema)
		case "memBwSchema":
			return jsontext.SetString(r, &v.MemBwSchema)
		}
		return jsontext.SetBool(r, &v.EnableMonitoring)
	})
}

var memoryPolicyNames = []string{"mode", "nodes", "flags"}

func memoryPolicy(r *reader, v *specs.LinuxMemoryPolicy) error {
	return r.Fields(memoryPolicyNames, func(name string) error {
		switch name {
		case "mode":
			return jsontext.SetString(r, &v.Mode)
		case "nodes":
			return jsontext.SetString(r, &v.Nodes)
		}
		return jsontext.SetSlice(r, &v.Flags, jsontext.SetString)
	})
}

var personalityNames = []string{"domain", "flags"}

func personality(r *reader, v *specs.LinuxPersonality) error {
	return r.Fields(personalityNames, func(name string) error {
		if name == "domain" {
			return jsontext.SetString(r, &v.Domain)
		}
		return jsontext.SetSlice(r, &v.Flags, jsontext.SetString)
	})
}

var timeOffsetNames = []string{"secs", "nanosecs"}

func timeOffset(r *reader, v *specs.LinuxTimeOffset) error {
	return r.Fields(timeOffsetNames, func(name string) error {
		if name == "secs" {
			return jsontext.SetInt(r, &v.Secs)
		}
		return jsontext.SetUint(r, &v.Nanosecs)
	})
}
