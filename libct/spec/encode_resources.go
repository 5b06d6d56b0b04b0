package spec

import "github.com/opencontainers/runtime-spec/specs-go"

func putResources(w *writer, v *specs.LinuxResources) {
	optArray(w, "devices", v.Devices, putDeviceCgroup)
	optObject(w, "memory", v.Memory, putMemory)
	optObject(w, "cpu", v.CPU, putCPU)
	optObject(w, "pids", v.Pids, func(w *writer, p *specs.LinuxPids) { optPtr(w, "limit", p.Limit, putInt) })
	optObject(w, "blockIO", v.BlockIO, putBlockIO)
	optArray(w, "hugepageLimits", v.HugepageLimits, func(w *writer, l *specs.LinuxHugepageLimit) {
		w.Object(func() {
			putString(w, "pageSize", l.Pagesize)
			putUint(w, "limit", l.Limit)
		})
	})
	optObject(w, "network", v.Network, putNetwork)
	optMap(w, "rdma", v.Rdma, func(w *writer, d specs.LinuxRdma) {
		w.Object(func() {
			optPtr(w, "hcaHandles", d.HcaHandles, putUint)
			optPtr(w, "hcaObjects", d.HcaObjects, putUint)
		})
	})
	optMap(w, "unified", v.Unified, (*writer).String)
}

func putDeviceCgroup(w *writer, d *specs.LinuxDeviceCgroup) {
	w.Object(func() {
		putBool(w, "allow", d.Allow)
		optString(w, "type", d.Type)
		optPtr(w, "major", d.Major, putInt)
		optPtr(w, "minor", d.Minor, putInt)
		optString(w, "access", d.Access)
	})
}

func putMemory(w *writer, m *specs.LinuxMemory) {
	optPtr(w, "limit", m.Limit, putInt)
	optPtr(w, "reservation", m.Reservation, putInt)
	optPtr(w, "swap", m.Swap, putInt)
	optPtr(w, "kernel", *kernelMemory(m), putInt)
	optPtr(w, "kernelTCP", m.KernelTCP, putInt)
	optPtr(w, "swappiness", m.Swappiness, putUint)
	optPtr(w, "disableOOMKiller", m.DisableOOMKiller, putBool)
	optPtr(w, "useHierarchy", m.UseHierarchy, putBool)
	optPtr(w, "checkBeforeUpdate", m.CheckBeforeUpdate, putBool)
}

func putCPU(w *writer, c *specs.LinuxCPU) {
	optPtr(w, "shares", c.Shares, putUint)
	optPtr(w, "quota", c.Quota, putInt)
	optPtr(w, "burst", c.Burst, putUint)
	optPtr(w, "period", c.Period, putUint)
	optPtr(w, "realtimeRuntime", c.RealtimeRuntime, putInt)
	optPtr(w, "realtimePeriod", c.RealtimePeriod, putUint)
	optString(w, "cpus", c.Cpus)
	optString(w, "mems", c.Mems)
	optPtr(w, "idle", c.Idle, putInt)
}

func putBlockIO(w *writer, b *specs.LinuxBlockIO) {
	optPtr(w, "weight", b.Weight, putUint)
	optPtr(w, "leafWeight", b.LeafWeight, putUint)
	optArray(w, "weightDevice", b.WeightDevice, func(w *writer, d *specs.LinuxWeightDevice) {
		w.Object(func() {
			putInt(w, "major", d.Major)
			putInt(w, "minor", d.Minor)
			optPtr(w, "weight", d.Weight, putUint)
			optPtr(w, "leafWeight", d.LeafWeight, putUint)
		})
	})
	optArray(w, "throttleReadBpsDevice", b.ThrottleReadBpsDevice, putThrottleDevice)
	optArray(w, "throttleWriteBpsDevice", b.ThrottleWriteBpsDevice, putThrottleDevice)
	optArray(w, "throttleReadIOPSDevice", b.ThrottleReadIOPSDevice, putThrottleDevice)
	optArray(w, "throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice, putThrottleDevice)
}

func putThrottleDevice(w *writer, d *specs.LinuxThrottleDevice) {
	w.Object(func() {
		putInt(w, "major", d.Major)
		putInt(w, "minor", d.Minor)
		putUint(w, "rate", d.Rate)
	})
}

func putNetwork(w *writer, n *specs.LinuxNetwork) {
	optPtr(w, "classID", n.ClassID, putUint)
	optArray(w, "priorities", n.Priorities, func(w *writer, p *specs.LinuxInterfacePriority) {
		w.Object(func() {
			putString(w, "name", p.Name)
			putUint(w, "priority", p.Priority)
		})
	})
}
