package cgroup

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stats is what the kernel has counted of a group, in the units and the meaning
// of runc's events: those of cgroup v1, to which v2's are converted.
type Stats struct {
	CPU     CPUStats
	CPUSet  CPUSetStats
	Memory  MemoryStats
	Pids    PidsStats
	BlockIO BlockIOStats
	// Hugetlb is by page size: "2MB".
	Hugetlb map[string]HugetlbStats
}

// CPUStats is CPU time in nanoseconds; what is by CPU has only v1.
type CPUStats struct {
	Total, Kernel, User              uint64
	PerCPU, PerCPUKernel, PerCPUUser []uint64
	// Periods of the quota's enforcement, and those in which it was reached.
	Periods, ThrottledPeriods, ThrottledTime uint64
	PSI                                      *PSI
}

// CPUSetStats is where the group may run. Of the flags v2 has none.
type CPUSetStats struct {
	CPUs, Mems                                                               []uint16
	CPUExclusive, MemHardwall, MemExclusive, MemoryMigrate, MemorySpreadPage uint64
	MemorySpreadSlab, MemoryPressure, SchedLoadBalance                       uint64
	SchedRelaxDomainLevel                                                    int64
}

// MemoryStats is in bytes. Swap counts memory too, as in v1.
type MemoryStats struct {
	Cache                          uint64
	Usage, Swap, Kernel, KernelTCP MemoryUse
	// Raw is memory.stat.
	Raw map[string]uint64
	PSI *PSI
}

// MemoryUse is one kind of memory. No limit is the largest number.
type MemoryUse struct{ Limit, Usage, Max, Failcnt uint64 }

// PidsStats counts tasks; a Limit of 0 is none.
type PidsStats struct{ Current, Limit uint64 }

// BlockIOStats is by device. v2 has the first two.
type BlockIOStats struct {
	ServiceBytes, Serviced, Queued, ServiceTime, WaitTime, Merged, Time, Sectors []BlockIOEntry
	PSI                                                                          *PSI
}

// BlockIOEntry is one count of a device; Op is Read, Write, Sync, Async,
// Discard, Total or empty.
type BlockIOEntry struct {
	Major, Minor uint64
	Op           string
	Value        uint64
}

// HugetlbStats is in bytes.
type HugetlbStats struct{ Usage, Max, Failcnt uint64 }

// PSI is pressure stall information (the kernel's accounting/psi.rst): how long
// some or all tasks had to wait for a resource.
type PSI struct{ Some, Full Pressure }

// Pressure is in percent of the last 10, 60 and 300 seconds, and in
// microseconds altogether.
type Pressure struct {
	Avg10, Avg60, Avg300 float64
	Total                uint64
}

// statSource reads what one controller has counted.
type statSource struct {
	v1, v2 string // controller names, as in sections
	readV1 func(dir string, s *Stats) error
	readV2 func(dir string, s *Stats) error
}

var statSources = [...]statSource{
	{"cpuacct", "cpu", cpuacctV1, cpuStatV2},
	{"cpu", "", throttlingV1, nil},
	{"cpuset", "cpuset", cpusetStatsV1, cpusetStatsV2},
	{"memory", "memory", memoryStatsV1, memoryStatsV2},
	{"pids", "pids", pidsStats, pidsStats},
	{"blkio", "io", blkioStatsV1, ioStatsV2},
	{"hugetlb", "hugetlb", hugetlbStatsV1, hugetlbStatsV2},
}

// Stats reads them. A controller that the group has not got leaves zeros.
func (g *Group) Stats() (*Stats, error) {
	if g.members() == nil {
		return nil, errors.New("container could not join or create cgroup")
	}
	s := &Stats{Memory: MemoryStats{Raw: map[string]uint64{}}, Hugetlb: map[string]HugetlbStats{}}
	for i := range statSources {
		src := &statSources[i]
		var err error
		if d := g.find(src.v1); d != nil && d.lost == nil {
			err = src.readV1(d.path, s)
		} else if d := g.v2(); d != nil && src.readV2 != nil {
			// cpu.stat is there without the controller too.
			err = src.readV2(d.path, s)
		}
		if err != nil && !absent(err) {
			return nil, err
		}
	}
	return s, g.pressures(s)
}

// pressures are of the v2 group, also on a hybrid host: all processes are in it.
func (g *Group) pressures(s *Stats) (err error) {
	d := g.v2()
	if d == nil {
		return nil
	}
	for _, p := range [...]struct {
		file string
		to   **PSI
	}{{"cpu.pressure", &s.CPU.PSI}, {"memory.pressure", &s.Memory.PSI}, {"io.pressure", &s.BlockIO.PSI}} {
		if *p.to, err = readPSI(d.path, p.file); err != nil {
			return err
		}
	}
	return nil
}

// readPSI is nil for a kernel that does not account it (also psi=0: EOPNOTSUPP).
func readPSI(dir, file string) (*PSI, error) {
	text, err := readStat(dir, file)
	if absent(err) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &PSI{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		to := map[string]*Pressure{"some": &p.Some, "full": &p.Full}[first(fields)]
		if to == nil {
			continue
		}
		for _, field := range fields[1:] {
			if err := to.set(field); err != nil {
				return nil, pathError("read", dir+"/"+file, err)
			}
		}
	}
	return p, nil
}

func first(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

func (p *Pressure) set(field string) (err error) {
	name, value, _ := strings.Cut(field, "=")
	switch name {
	case "avg10":
		p.Avg10, err = strconv.ParseFloat(value, 64)
	case "avg60":
		p.Avg60, err = strconv.ParseFloat(value, 64)
	case "avg300":
		p.Avg300, err = strconv.ParseFloat(value, 64)
	case "total":
		p.Total, err = strconv.ParseUint(value, 10, 64)
	}
	return err
}

// maxStat bounds one file: a line for each of thousands of disks or CPUs.
const maxStat = 4 << 20

// readStat reads a file of several lines to its end.
func readStat(dir, file string) (string, error) {
	text, err := readFileAt(unix.AT_FDCWD, dir+"/"+file, maxStat, false)
	if err != nil {
		return "", pathError("read", dir+"/"+file, err)
	}
	return text, nil
}

// readNumber reads a file of one number: max is the largest one, and what is
// below 0 is 0.
func readNumber(dir, file string) (uint64, error) {
	text, err := readKnob(dir, file)
	if err != nil {
		return 0, err
	}
	if text == "max" {
		return math.MaxUint64, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && strings.HasPrefix(text, "-") {
		return 0, nil
	}
	if err != nil {
		return 0, pathError("read", dir+"/"+file, err)
	}
	return n, nil
}

// readPairs calls pair for each line "NAME NUMBER" of a file.
func readPairs(dir, file string, pair func(name string, n uint64)) error {
	text, err := readStat(dir, file)
	if err != nil {
		return err
	}
	if err := eachPair(text, pair); err != nil {
		return pathError("read", dir+"/"+file, err)
	}
	return nil
}

func eachPair(text string, pair func(name string, n uint64)) error {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		pair(name, n)
	}
	return nil
}

// pidsStats is the same in v1 and v2.
func pidsStats(dir string, s *Stats) (err error) {
	if s.Pids.Current, err = readNumber(dir, "pids.current"); err != nil {
		return err
	}
	if s.Pids.Limit, err = readNumber(dir, "pids.max"); s.Pids.Limit == math.MaxUint64 {
		s.Pids.Limit = 0
	}
	return err
}

// parseCPUs reads a list such as "0-3,7"; an empty one is none.
func parseCPUs(text string) ([]uint16, error) {
	var all []uint16
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			continue
		}
		low, high, ranged := strings.Cut(item, "-")
		if !ranged {
			high = low
		}
		from, err1 := strconv.ParseUint(low, 10, 16)
		to, err2 := strconv.ParseUint(high, 10, 16)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		for n := from; n <= to; n++ {
			all = append(all, uint16(n))
		}
	}
	return all, nil
}

func readCPUs(dir, file string) ([]uint16, error) {
	text, err := readKnob(dir, file)
	if err != nil {
		return nil, err
	}
	list, err := parseCPUs(text)
	if err != nil {
		return nil, pathError("read", dir+"/"+file, err)
	}
	return list, nil
}
