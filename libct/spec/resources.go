package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var resourcesNames = []string{
	"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "network", "rdma", "unified",
}

func resources(r *reader, v *specs.LinuxResources) error {
	return r.Fields(resourcesNames, func(name string) error {
		switch name {
		case "devices":
			return jsontext.SetSlice(r, &v.Devices, deviceCgroup)
		case "memory":
			return jsontext.SetPtr(r, &v.Memory, memory)
		case "cpu":
			return jsontext.SetPtr(r, &v.CPU, cpu)
		case "pids":
			return jsontext.SetPtr(r, &v.Pids, pids)
		case "blockIO":
			return jsontext.SetPtr(r, &v.BlockIO, blockIO)
		case "hugepageLimits":
			return jsontext.SetSlice(r, &v.HugepageLimits, hugepageLimit)
		case "network":
			return jsontext.SetPtr(r, &v.Network, network)
		case "rdma":
			return jsontext.SetMap(r, &v.Rdma, rdma)
		}
		return jsontext.SetMap(r, &v.Unified, jsontext.SetString)
	})
}

var deviceCgroupNames = []string{"allow", "type", "major", "minor", "access"}

func deviceCgroup(r *reader, v *specs.LinuxDeviceCgroup) error {
	return r.Fields(deviceCgroupNames, func(name string) error {
		switch name {
		case "allow":
			return jsontext.SetBool(r, &v.Allow)
		case "type":
			return jsontext.SetString(r, &v.Type)
		case "major":
			return jsontext.SetPtr(r, &v.Major, jsontext.SetInt)
		case "minor":
			return jsontext.SetPtr(r, &v.Minor, jsontext.SetInt)
		}
		return jsontext.SetString(r, &v.Access)
	})
}

var memoryNames = []string{
	"limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness", "disableOOMKiller",
	"useHierarchy", "checkBeforeUpdate",
}

func memory(r *reader, v *specs.LinuxMemory) error {
	return r.Fields(memoryNames, func(name string) error {
		switch name {
		case "limit":
			return jsontext.SetPtr(r, &v.Limit, jsontext.SetInt)
		case "reservation":
			return jsontext.SetPtr(r, &v.Reservation, jsontext.SetInt)
		case "swap":
			return jsontext.SetPtr(r, &v.Swap, jsontext.SetInt)
		case "kernel":
			return jsontext.SetPtr(r, kernelMemory(v), jsontext.SetInt)
		case "kernelTCP":
			return jsontext.SetPtr(r, &v.KernelTCP, jsontext.SetInt)
		case "swappiness":
			return jsontext.SetPtr(r, &v.Swappiness, jsontext.SetUint)
		case "disableOOMKiller":
			return jsontext.SetPtr(r, &v.DisableOOMKiller, jsontext.SetBool)
		case "useHierarchy":
			return jsontext.SetPtr(r, &v.UseHierarchy, jsontext.SetBool)
		}
		return jsontext.SetPtr(r, &v.CheckBeforeUpdate, jsontext.SetBool)
	})
}

// kernelMemory is the deprecated limit. It is kept so that a spec is written
// back as it was read; nothing obeys it (Linux 5.4 dropped it).
func kernelMemory(v *specs.LinuxMemory) **int64 {
	//lint:ignore SA1019 see above
	return &v.Kernel
}

var cpuNames = []string{
	"shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle",
}

func cpu(r *reader, v *specs.LinuxCPU) error {
	return r.Fields(cpuNames, func(name string) error {
		switch name {
		case "shares":
			return jsontext.SetPtr(r, &v.Shares, jsontext.SetUint)
		case "quota":
			return jsontext.SetPtr(r, &v.Quota, jsontext.SetInt)
		case "burst":
			return jsontext.SetPtr(r, &v.Burst, jsontext.SetUint)
		case "period":
			return jsontext.SetPtr(r, &v.Period, jsontext.SetUint)
		case "realtimeRuntime":
			return jsontext.SetPtr(r, &v.RealtimeRuntime, jsontext.SetInt)
		case "realtimePeriod":
			return jsontext.SetPtr(r, &v.RealtimePeriod, jsontext.SetUint)
		case "cpus":
			return jsontext.SetString(r, &v.Cpus)
		case "mems":
			return jsontext.SetString(r, &v.Mems)
		}
		return jsontext.SetPtr(r, &v.Idle, jsontext.SetInt)
	})
}

var pidsNames = []string{"limit"}

func pids(r *reader, v *specs.LinuxPids) error {
	return r.Fields(pidsNames, func(string) error { return jsontext.SetPtr(r, &v.Limit, jsontext.SetInt) })
}

var blockIONames = []string{
	"weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
	"throttleReadIOPSDevice", "throttleWriteIOPSDevice",
}

func blockIO(r *reader, v *specs.LinuxBlockIO) error {
	return r.Fields(blockIONames, func(name string) error {
		switch name {
		case "weight":
			return jsontext.SetPtr(r, &v.Weight, jsontext.SetUint)
		case "leafWeight":
			return jsontext.SetPtr(r, &v.LeafWeight, jsontext.SetUint)
		case "weightDevice":
			return jsontext.SetSlice(r, &v.WeightDevice, weightDevice)
		case "throttleReadBpsDevice":
			return jsontext.SetSlice(r, &v.ThrottleReadBpsDevice, throttleDevice)
		case "throttleWriteBpsDevice":
			return jsontext.SetSlice(r, &v.ThrottleWriteBpsDevice, throttleDevice)
		case "throttleReadIOPSDevice":
			return jsontext.SetSlice(r, &v.ThrottleReadIOPSDevice, throttleDevice)
		}
		return jsontext.SetSlice(r, &v.ThrottleWriteIOPSDevice, throttleDevice)
	})
}

var weightDeviceNames = []string{"major", "minor", "weight", "leafWeight"}

func weightDevice(r *reader, v *specs.LinuxWeightDevice) error {
	return r.Fields(weightDeviceNames, func(name string) error {
		switch name {
		case "major":
			return jsontext.SetInt(r, &v.Major)
		case "minor":
			return jsontext.SetInt(r, &v.Minor)
		case "weight":
			return jsontext.SetPtr(r, &v.Weight, jsontext.SetUint)
		}
		return jsontext.SetPtr(r, &v.LeafWeight, jsontext.SetUint)
	})
}

var throttleDeviceNames = []string{"major", "minor", "rate"}

func throttleDevice(r *reader, v *specs.LinuxThrottleDevice) error {
	return r.Fields(throttleDeviceNames, func(name string) error {
		switch name {
		case "major":
			return jsontext.SetInt(r, &v.Major)
		case "minor":
			return jsontext.SetInt(r, &v.Minor)
		}
		return jsontext.SetUint(r, &v.Rate)
	})
}

var hugepageLimitNames = []string{"pageSize", "limit"}

func hugepageLimit(r *reader, v *specs.LinuxHugepageLimit) error {
	return r.Fields(hugepageLimitNames, func(name string) error {
		if name == "pageSize" {
			return jsontext.SetString(r, &v.Pagesize)
		}
		return jsontext.SetUint(r, &v.Limit)
	})
}

var networkNames = []string{"classID", "priorities"}

func network(r *reader, v *specs.LinuxNetwork) error {
	return r.Fields(networkNames, func(name string) error {
		if name == "classID" {
			return jsontext.SetPtr(r, &v.ClassID, jsontext.SetUint)
		}
		return jsontext.SetSlice(r, &v.Priorities, interfacePriority)
	})
}

var interfacePriorityNames = []string{"name", "priority"}

func interfacePriority(r *reader, v *specs.LinuxInterfacePriority) error {
	return r.Fields(interfacePriorityNames, func(name string) error {
		if name == "name" {
			return jsontext.SetString(r, &v.Name)
		}
		return jsontext.SetUint(r, &v.Priority)
	})
}

var rdmaNames = []string{"hcaHandles", "hcaObjects"}

func rdma(r *reader, v *specs.LinuxRdma) error {
	return r.Fields(rdmaNames, func(name string) error {
		if name == "hcaHandles" {
			return jsontext.SetPtr(r, &v.HcaHandles, jsontext.SetUint)
		}
		return jsontext.SetPtr(r, &v.HcaObjects, jsontext.SetUint)
	})
}
