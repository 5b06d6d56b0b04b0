package cgroup

import (
	"fmt"
	"strconv"
	"strings"
)

// tick is a unit of cpuacct.stat in nanoseconds: USER_HZ is 100 on every
// architecture that rt is built for.
const tick = 10_000_000

// cpuacctV1 reads the files of cgroup-v1/cpuacct.rst.
func cpuacctV1(dir string, s *Stats) (err error) {
	c := &s.CPU
	if c.Total, err = readNumber(dir, "cpuacct.usage"); err != nil {
		return err
	}
	err = readPairs(dir, "cpuacct.stat", func(name string, n uint64) {
		switch name {
		case "user":
			c.User = n * tick
		case "system":
			c.Kernel = n * tick
		}
	})
	if err != nil {
		return err
	}
	text, err := readStat(dir, "cpuacct.usage_percpu")
	if err != nil {
		return err
	}
	for field := range strings.FieldsSeq(text) {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return pathError("read", dir+"/cpuacct.usage_percpu", err)
		}
		c.PerCPU = append(c.PerCPU, n)
	}
	return c.perCPU(dir)
}

// perCPU reads the lines "CPU USER SYSTEM" below a title.
func (c *CPUStats) perCPU(dir string) error {
	text, err := readStat(dir, "cpuacct.usage_all")
	if err != nil {
		return err
	}
	_, rows, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(rows) {
		var cpu, user, system uint64
		if _, err := fmt.Sscan(line, &cpu, &user, &system); err != nil {
			return pathError("read", dir+"/cpuacct.usage_all", err)
		}
		c.PerCPUUser, c.PerCPUKernel = append(c.PerCPUUser, user), append(c.PerCPUKernel, system)
	}
	return nil
}

func throttlingV1(dir string, s *Stats) error {
	return readPairs(dir, "cpu.stat", func(name string, n uint64) {
		switch name {
		case "nr_periods":
			s.CPU.Periods = n
		case "nr_throttled":
			s.CPU.ThrottledPeriods = n
		case "throttled_time":
			s.CPU.ThrottledTime = n
		}
	})
}

// cpusetStatsV1 reads the files of cgroup-v1/cpusets.rst.
func cpusetStatsV1(dir string, s *Stats) (err error) {
	c := &s.CPUSet
	if c.CPUs, err = readCPUs(dir, "cpuset.cpus"); err != nil {
		return err
	}
	if c.Mems, err = readCPUs(dir, "cpuset.mems"); err != nil {
		return err
	}
	for _, f := range [...]struct {
		file string
		to   *uint64
	}{
		{"cpu_exclusive", &c.CPUExclusive}, {"mem_hardwall", &c.MemHardwall}, {"mem_exclusive", &c.MemExclusive},
		{"memory_migrate", &c.MemoryMigrate}, {"memory_spread_page", &c.MemorySpreadPage},
		{"memory_spread_slab", &c.MemorySpreadSlab}, {"memory_pressure", &c.MemoryPressure},
		{"sched_load_balance", &c.SchedLoadBalance},
	} {
		if *f.to, err = readNumber(dir, "cpuset."+f.file); err != nil && !absent(err) {
			return err
		}
	}
	text, err := readKnob(dir, "cpuset.sched_relax_domain_level")
	if err != nil {
		return err
	}
	if c.SchedRelaxDomainLevel, err = strconv.ParseInt(text, 10, 64); err != nil {
		return pathError("read", dir+"/cpuset.sched_relax_domain_level", err)
	}
	return nil
}

// memoryStatsV1 reads the files of cgroup-v1/memory.rst. A kernel may count no
// swap and no kernel memory.
func memoryStatsV1(dir string, s *Stats) error {
	m := &s.Memory
	if err := readPairs(dir, "memory.stat", func(name string, n uint64) { m.Raw[name] = n }); err != nil {
		return err
	}
	m.Cache = m.Raw["cache"]
	for _, f := range [...]struct {
		kind string
		to   *MemoryUse
	}{{"memory.", &m.Usage}, {"memory.memsw.", &m.Swap}, {"memory.kmem.", &m.Kernel}, {"memory.kmem.tcp.", &m.KernelTCP}} {
		for _, n := range [...]struct {
			file string
			to   *uint64
		}{{"usage_in_bytes", &f.to.Usage}, {"max_usage_in_bytes", &f.to.Max}, {"failcnt", &f.to.Failcnt}, {"limit_in_bytes", &f.to.Limit}} {
			var err error
			if *n.to, err = readNumber(dir, f.kind+n.file); err != nil && !absent(err) {
				return err
			}
		}
	}
	return nil
}

// blkioFamilies are the files of one scheduler or of the throttling layer, in
// runc's order: the first that the kernel has filled counts.
var blkioFamilies = [...]struct{ prefix, suffix string }{
	{"blkio.bfq.", "_recursive"}, {"blkio.", "_recursive"}, {"blkio.throttle.", "_recursive"}, {"blkio.throttle.", ""},
}

// blkioStatsV1 reads the files of cgroup-v1/blkio-controller.rst.
func blkioStatsV1(dir string, s *Stats) error {
	for _, f := range blkioFamilies {
		b := BlockIOStats{}
		for _, n := range [...]struct {
			file string
			to   *[]BlockIOEntry
		}{
			{"io_serviced", &b.Serviced}, {"io_service_bytes", &b.ServiceBytes}, {"sectors", &b.Sectors},
			{"io_service_time", &b.ServiceTime}, {"io_wait_time", &b.WaitTime}, {"io_merged", &b.Merged},
			{"io_queued", &b.Queued}, {"time", &b.Time},
		} {
			var err error
			if *n.to, err = blkioEntries(dir, f.prefix+n.file+f.suffix); err != nil && !absent(err) {
				return err
			}
			if b.Serviced == nil {
				break // empty, or not there
			}
		}
		if b.Serviced != nil {
			s.BlockIO = b
			return nil
		}
	}
	return nil
}

// blkioEntries reads lines "MAJOR:MINOR OP VALUE" or without OP, and passes over
// the sum at the end.
func blkioEntries(dir, file string) ([]BlockIOEntry, error) {
	text, err := readStat(dir, file)
	if err != nil {
		return nil, err
	}
	var all []BlockIOEntry
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if first(fields) == "Total" {
			continue
		}
		e, err := blkioEntry(fields)
		if err != nil {
			return nil, pathError("read", dir+"/"+file, err)
		}
		all = append(all, e)
	}
	return all, nil
}

func blkioEntry(fields []string) (e BlockIOEntry, err error) {
	if len(fields) != 2 && len(fields) != 3 {
		return e, fmt.Errorf("%d fields in a line", len(fields))
	}
	if len(fields) == 3 {
		e.Op = fields[1]
	}
	if e.Major, e.Minor, err = deviceNumbers(fields[0]); err != nil {
		return e, err
	}
	e.Value, err = strconv.ParseUint(fields[len(fields)-1], 10, 64)
	return e, err
}

func deviceNumbers(text string) (major, minor uint64, err error) {
	a, b, _ := strings.Cut(text, ":")
	if major, err = strconv.ParseUint(a, 10, 32); err == nil {
		minor, err = strconv.ParseUint(b, 10, 32)
	}
	return major, minor, err
}

// hugetlbStatsV1 reads the files of cgroup-v1/hugetlb.rst, those of reservations
// where the kernel has them.
func hugetlbStatsV1(dir string, s *Stats) error {
	return eachPageSize(func(size string) error {
		prefix := "hugetlb." + size + ".rsvd."
		usage, err := readNumber(dir, prefix+"usage_in_bytes")
		if absent(err) {
			prefix = "hugetlb." + size + "."
			usage, err = readNumber(dir, prefix+"usage_in_bytes")
		}
		if err != nil {
			return err
		}
		h := HugetlbStats{Usage: usage}
		if h.Max, err = readNumber(dir, prefix+"max_usage_in_bytes"); err != nil {
			return err
		}
		h.Failcnt, err = readNumber(dir, prefix+"failcnt")
		s.Hugetlb[size] = h
		return err
	})
}
