package cgroup

import (
	"math"
	"os"
	"strconv"
	"strings"
)

// cpuStatV2 reads cpu.stat, which counts microseconds.
func cpuStatV2(dir string, s *Stats) error {
	c := &s.CPU
	return readPairs(dir, "cpu.stat", func(name string, n uint64) {
		switch name {
		case "usage_usec":
			c.Total = n * 1000
		case "user_usec":
			c.User = n * 1000
		case "system_usec":
			c.Kernel = n * 1000
		case "nr_periods":
			c.Periods = n
		case "nr_throttled":
			c.ThrottledPeriods = n
		case "throttled_usec":
			c.ThrottledTime = n * 1000
		}
	})
}

func cpusetStatsV2(dir string, s *Stats) (err error) {
	if s.CPUSet.CPUs, err = readCPUs(dir, "cpuset.cpus.effective"); err != nil {
		return err
	}
	s.CPUSet.Mems, err = readCPUs(dir, "cpuset.mems.effective")
	return err
}

// memoryStatsV2 reads memory.stat and the rest of cgroup-v2.rst, "Memory
// Interface Files". Swap is added to memory, as v1 counts it.
func memoryStatsV2(dir string, s *Stats) error {
	m := &s.Memory
	if err := readPairs(dir, "memory.stat", func(name string, n uint64) { m.Raw[name] = n }); err != nil {
		return err
	}
	m.Cache = m.Raw["file"]
	var err error
	if m.Usage, err = memoryUseV2(dir, "memory."); err != nil {
		return err
	}
	if m.Swap, err = memoryUseV2(dir, "memory.swap."); err != nil && !absent(err) {
		return err
	}
	m.Swap.Usage += m.Usage.Usage
	if m.Swap.Limit != math.MaxUint64 {
		m.Swap.Limit += m.Usage.Limit
		if m.Usage.Limit == math.MaxUint64 {
			m.Swap.Limit = math.MaxUint64
		}
	}
	m.Swap.Max = 0 // both need not have been at their peak together
	return nil
}

func memoryUseV2(dir, prefix string) (u MemoryUse, err error) {
	if u.Usage, err = readNumber(dir, prefix+"current"); err != nil {
		return u, err
	}
	if u.Limit, err = readNumber(dir, prefix+"max"); err != nil {
		return u, err
	}
	// memory.peak since Linux 5.19, memory.swap.peak since 6.5.
	if u.Max, err = readNumber(dir, prefix+"peak"); absent(err) {
		err = nil
	}
	return u, err
}

// ioStatsV2 reads io.stat: "MAJOR:MINOR rbytes=1 wbytes=2 rios=3 wios=4 …".
func ioStatsV2(dir string, s *Stats) error {
	text, err := readStat(dir, "io.stat")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		major, minor, err := deviceNumbers(first(fields))
		if err != nil {
			continue // a device that has gone leaves a line without numbers
		}
		for _, field := range fields[1:] {
			name, value, _ := strings.Cut(field, "=")
			op, to := ioCount(name, &s.BlockIO)
			if to == nil {
				continue
			}
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return pathError("read", dir+"/io.stat", err)
			}
			*to = append(*to, BlockIOEntry{Major: major, Minor: minor, Op: op, Value: n})
		}
	}
	return nil
}

// ioCount is where v1 has a count of io.stat; discards it has not.
func ioCount(name string, b *BlockIOStats) (op string, to *[]BlockIOEntry) {
	switch name {
	case "rbytes":
		return "Read", &b.ServiceBytes
	case "wbytes":
		return "Write", &b.ServiceBytes
	case "rios":
		return "Read", &b.Serviced
	case "wios":
		return "Write", &b.Serviced
	}
	return "", nil
}

func hugetlbStatsV2(dir string, s *Stats) error {
	return eachPageSize(func(size string) error {
		prefix := "hugetlb." + size
		usage, err := readNumber(dir, prefix+".rsvd.current")
		if absent(err) {
			usage, err = readNumber(dir, prefix+".current")
		}
		if err != nil {
			return err
		}
		h := HugetlbStats{Usage: usage}
		err = readPairs(dir, prefix+".events", func(name string, n uint64) {
			if name == "max" {
				h.Failcnt = n
			}
		})
		s.Hugetlb[size] = h
		return err
	})
}

// eachPageSize calls each with the sizes of huge pages that the kernel has, in
// the form of the files' names: "64KB", "2MB", "1GB".
func eachPageSize(each func(size string) error) error {
	entries, err := os.ReadDir("/sys/kernel/mm/hugepages")
	if err != nil {
		return err
	}
	for _, e := range entries {
		text := strings.TrimSuffix(strings.TrimPrefix(e.Name(), "hugepages-"), "kB")
		kib, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			continue
		}
		units := [...]string{"KB", "MB", "GB"}
		unit := 0
		for ; kib >= 1024 && unit < len(units)-1; unit++ {
			kib /= 1024
		}
		if err := each(strconv.FormatUint(kib, 10) + units[unit]); err != nil {
			return err
		}
	}
	return nil
}
