package main

import (
	"maps"
	"slices"
	"strconv"

	"rt/libct/cgroup"
	"rt/libct/jsontext"
)

// statsWriter writes statistics in the shape of runc 1.5's types.Stats: most
// numbers are left out when they are 0.
type statsWriter struct{ *jsontext.Writer }

func (w statsWriter) object(key string, members func()) {
	w.Key(key)
	w.Object(members)
}

// number is written always, some unless it is 0.
func (w statsWriter) number(key string, n uint64) {
	w.Key(key)
	w.Uint(n)
}

func (w statsWriter) some(key string, n uint64) {
	if n != 0 {
		w.number(key, n)
	}
}

func writeNumbers[T uint16 | uint64](w statsWriter, key string, list []T) {
	if len(list) == 0 {
		return
	}
	w.Key(key)
	w.Array(func() {
		for _, n := range list {
			w.Uint(uint64(n))
		}
	})
}

func (w statsWriter) stats(s *cgroup.Stats) {
	w.object("cpu", func() { w.cpu(&s.CPU) })
	w.object("cpuset", func() { w.cpuset(&s.CPUSet) })
	w.object("memory", func() { w.memory(&s.Memory) })
	w.object("pids", func() {
		w.some("current", s.Pids.Current)
		w.some("limit", s.Pids.Limit)
	})
	w.object("blkio", func() { w.blkio(&s.BlockIO) })
	w.object("hugetlb", func() {
		for _, size := range slices.Sorted(maps.Keys(s.Hugetlb)) {
			h := s.Hugetlb[size]
			w.object(size, func() {
				w.some("usage", h.Usage)
				w.some("max", h.Max)
				w.number("failcnt", h.Failcnt)
			})
		}
	})
	w.object("intel_rdt", func() {})
	w.Key("network_interfaces")
	w.Null()
}

func (w statsWriter) cpu(c *cgroup.CPUStats) {
	w.object("usage", func() {
		w.some("total", c.Total)
		writeNumbers(w, "percpu", c.PerCPU)
		writeNumbers(w, "percpu_kernel", c.PerCPUKernel)
		writeNumbers(w, "percpu_user", c.PerCPUUser)
		w.number("kernel", c.Kernel)
		w.number("user", c.User)
	})
	w.object("throttling", func() {
		w.some("periods", c.Periods)
		w.some("throttledPeriods", c.ThrottledPeriods)
		w.some("throttledTime", c.ThrottledTime)
	})
	w.psi(c.PSI)
}

func (w statsWriter) cpuset(c *cgroup.CPUSetStats) {
	writeNumbers(w, "cpus", c.CPUs)
	w.number("cpu_exclusive", c.CPUExclusive)
	writeNumbers(w, "mems", c.Mems)
	w.number("mem_hardwall", c.MemHardwall)
	w.number("mem_exclusive", c.MemExclusive)
	w.number("memory_migrate", c.MemoryMigrate)
	w.number("memory_spread_page", c.MemorySpreadPage)
	w.number("memory_spread_slab", c.MemorySpreadSlab)
	w.number("memory_pressure", c.MemoryPressure)
	w.number("sched_load_balance", c.SchedLoadBalance)
	w.Key("sched_relax_domain_level")
	w.Int(c.SchedRelaxDomainLevel)
}

func (w statsWriter) memory(m *cgroup.MemoryStats) {
	w.some("cache", m.Cache)
	for _, u := range [...]struct {
		key string
		use cgroup.MemoryUse
	}{{"usage", m.Usage}, {"swap", m.Swap}, {"kernel", m.Kernel}, {"kernelTCP", m.KernelTCP}} {
		w.object(u.key, func() {
			w.number("limit", u.use.Limit)
			w.some("usage", u.use.Usage)
			w.some("max", u.use.Max)
			w.number("failcnt", u.use.Failcnt)
		})
	}
	if len(m.Raw) > 0 {
		w.object("raw", func() {
			for _, name := range slices.Sorted(maps.Keys(m.Raw)) {
				w.number(name, m.Raw[name])
			}
		})
	}
	w.psi(m.PSI)
}

func (w statsWriter) blkio(b *cgroup.BlockIOStats) {
	for _, l := range [...]struct {
		key  string
		list []cgroup.BlockIOEntry
	}{
		{"ioServiceBytesRecursive", b.ServiceBytes}, {"ioServicedRecursive", b.Serviced}, {"ioQueueRecursive", b.Queued},
		{"ioServiceTimeRecursive", b.ServiceTime}, {"ioWaitTimeRecursive", b.WaitTime}, {"ioMergedRecursive", b.Merged},
		{"ioTimeRecursive", b.Time}, {"sectorsRecursive", b.Sectors},
	} {
		if len(l.list) == 0 {
			continue
		}
		w.Key(l.key)
		w.Array(func() {
			for _, e := range l.list {
				w.Object(func() { w.entry(e) })
			}
		})
	}
	w.psi(b.PSI)
}

func (w statsWriter) entry(e cgroup.BlockIOEntry) {
	w.some("major", e.Major)
	w.some("minor", e.Minor)
	if e.Op != "" {
		w.Key("op")
		w.String(e.Op)
	}
	w.some("value", e.Value)
}

func (w statsWriter) psi(p *cgroup.PSI) {
	if p == nil {
		return
	}
	w.object("psi", func() {
		w.object("some", func() { w.pressure(&p.Some) })
		w.object("full", func() { w.pressure(&p.Full) })
	})
}

func (w statsWriter) pressure(p *cgroup.Pressure) {
	w.float("avg10", p.Avg10)
	w.float("avg60", p.Avg60)
	w.float("avg300", p.Avg300)
	w.number("total", p.Total)
}

// float writes a percentage, which needs no exponent.
func (w statsWriter) float(key string, f float64) {
	w.Key(key)
	_ = w.Raw(strconv.AppendFloat(nil, f, 'f', -1, 64)) // is JSON
}
