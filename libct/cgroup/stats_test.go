package cgroup

import (
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// statDir makes a directory with files.
func statDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func emptyStats() *Stats {
	return &Stats{Memory: MemoryStats{Raw: map[string]uint64{}}, Hugetlb: map[string]HugetlbStats{}}
}

// TestStatFiles: each kind of file is understood, on whatever host.
func TestStatFiles(t *testing.T) {
	tests := []struct {
		name  string
		read  func(string, *Stats) error
		files map[string]string
		want  func(*Stats)
	}{
		{"cpu v2", cpuStatV2, map[string]string{"cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnice_usec 0\nnr_periods 7\nnr_throttled 6\nthrottled_usec 4\nnr_bursts 1\nburst_usec 9\n"},
			func(s *Stats) {
				s.CPU = CPUStats{Total: 5000, User: 3000, Kernel: 2000, Periods: 7, ThrottledPeriods: 6, ThrottledTime: 4000}
			}},
		{"cpu v2 without the controller", cpuStatV2, map[string]string{"cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\n"},
			func(s *Stats) { s.CPU = CPUStats{Total: 5000, User: 3000, Kernel: 2000} }},
		{"cpuacct", cpuacctV1, map[string]string{"cpuacct.usage": "9\n", "cpuacct.stat": "user 1\nsystem 2\n", "cpuacct.usage_percpu": "4 5 \n", "cpuacct.usage_all": "cpu user system\n0 1 2\n1 3 4\n"},
			func(s *Stats) {
				s.CPU = CPUStats{Total: 9, User: tick, Kernel: 2 * tick, PerCPU: []uint64{4, 5}, PerCPUUser: []uint64{1, 3}, PerCPUKernel: []uint64{2, 4}}
			}},
		{"throttling v1", throttlingV1, map[string]string{"cpu.stat": "nr_periods 1\nnr_throttled 2\nthrottled_time 3\nwait_sum 4\n"},
			func(s *Stats) { s.CPU = CPUStats{Periods: 1, ThrottledPeriods: 2, ThrottledTime: 3} }},
		{"cpuset v2", cpusetStatsV2, map[string]string{"cpuset.cpus.effective": "0-2,5\n", "cpuset.mems.effective": "\n"},
			func(s *Stats) { s.CPUSet.CPUs = []uint16{0, 1, 2, 5} }},
		{"memory v2", memoryStatsV2, map[string]string{"memory.stat": "anon 1\nfile 2\n", "memory.current": "10\n", "memory.max": "100\n", "memory.peak": "20\n",
			"memory.swap.current": "5\n", "memory.swap.max": "50\n", "memory.swap.peak": "7\n"},
			func(s *Stats) {
				s.Memory = MemoryStats{Cache: 2, Usage: MemoryUse{Limit: 100, Usage: 10, Max: 20}, Swap: MemoryUse{Limit: 150, Usage: 15}, Raw: map[string]uint64{"anon": 1, "file": 2}}
			}},
		{"memory v2 without limits, swap and peaks", memoryStatsV2, map[string]string{"memory.stat": "file 2\n", "memory.current": "10\n", "memory.max": "max\n"},
			func(s *Stats) {
				s.Memory = MemoryStats{Cache: 2, Usage: MemoryUse{Limit: math.MaxUint64, Usage: 10}, Swap: MemoryUse{Limit: math.MaxUint64, Usage: 10}, Raw: map[string]uint64{"file": 2}}
			}},
		{"pids", pidsStats, map[string]string{"pids.current": "3\n", "pids.max": "max\n"}, func(s *Stats) { s.Pids.Current = 3 }},
		{"io v2", ioStatsV2, map[string]string{"io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 \n253:1 rbytes=5 wbytes=6 rios=7 wios=8\n"},
			func(s *Stats) {
				s.BlockIO = BlockIOStats{
					ServiceBytes: []BlockIOEntry{{8, 0, "Read", 1}, {8, 0, "Write", 2}, {253, 1, "Read", 5}, {253, 1, "Write", 6}},
					Serviced:     []BlockIOEntry{{8, 0, "Read", 3}, {8, 0, "Write", 4}, {253, 1, "Read", 7}, {253, 1, "Write", 8}},
				}
			}},
		{"blkio of BFQ", blkioStatsV1, map[string]string{"blkio.bfq.io_serviced_recursive": "8:0 Read 1\n8:0 Total 1\nTotal 1\n", "blkio.bfq.io_service_bytes_recursive": "8:0 Read 512\nTotal 512\n",
			"blkio.throttle.io_serviced": "8:0 Read 9\nTotal 9\n", "blkio.bfq.sectors_recursive": "8:0 4\n"},
			func(s *Stats) {
				s.BlockIO = BlockIOStats{Serviced: []BlockIOEntry{{8, 0, "Read", 1}, {8, 0, "Total", 1}}, ServiceBytes: []BlockIOEntry{{8, 0, "Read", 512}}, Sectors: []BlockIOEntry{{8, 0, "", 4}}}
			}},
		{"blkio of throttling", blkioStatsV1, map[string]string{"blkio.bfq.io_serviced_recursive": "Total 0\n", "blkio.throttle.io_serviced": "8:0 Read 9\nTotal 9\n"},
			func(s *Stats) { s.BlockIO.Serviced = []BlockIOEntry{{8, 0, "Read", 9}} }},
	}
	for _, tt := range tests {
		got, want := emptyStats(), emptyStats()
		tt.want(want)
		if err := tt.read(statDir(t, tt.files), got); err != nil && !absent(err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", tt.name, got, want)
		}
	}
}

func TestPSI(t *testing.T) {
	dir := statDir(t, map[string]string{
		"cpu.pressure": "some avg10=0.00 avg60=1.50 avg300=100.00 total=7\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=18446744073709551615\n",
		"bad.pressure": "some avg10=x\n", "old.pressure": "some avg10=1.00 avg60=0.00 avg300=0.00 total=1\n\n",
	})
	p, err := readPSI(dir, "cpu.pressure")
	want := PSI{Some: Pressure{0, 1.5, 100, 7}, Full: Pressure{0.25, 0, 0, math.MaxUint64}}
	if err != nil || *p != want {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := readPSI(dir, "old.pressure"); err != nil || p.Some.Total != 1 {
		t.Errorf("without full: %+v, %v", p, err)
	}
	if p, err := readPSI(dir, "no.pressure"); p != nil || err != nil {
		t.Errorf("absent: %+v, %v", p, err)
	}
	if _, err := readPSI(dir, "bad.pressure"); err == nil {
		t.Error("nonsense is understood")
	}
}

// rawNumber reads a file of the group in whichever hierarchy has it.
func rawNumber(t *testing.T, g *Group, controller, v1, v2 string) uint64 {
	t.Helper()
	file := v1
	if g.v1(controller) == nil {
		file = v2
	}
	text, ok := readBack(t, g, controller, file)
	if !ok {
		t.Fatalf("no %s", file)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStatsAreTheKernels: what Stats says lies between what the files say
// before and after it.
func TestStatsAreTheKernels(t *testing.T) {
	l := probe(t)
	for _, c := range []string{"memory", "pids", "cpu"} {
		if l.Version(c) == 0 {
			t.Skipf("host: no %s controller", c)
		}
	}
	r := &resources{Memory: &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}, Pids: &specs.LinuxPids{Limit: ptr(int64(50))}, CPU: &specs.LinuxCPU{Cpus: "0", Mems: "0"}}
	g := newGroup(t, l)
	create(t, g, r)
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	spawn(t, g, "sh", "-c", "while :; do :; done")
	deadline := time.Now().Add(long)
	cpuTime := func() uint64 {
		if g.v1("cpuacct") != nil {
			return rawNumber(t, g, "cpuacct", "cpuacct.usage", "")
		}
		s := emptyStats()
		if err := cpuStatV2(g.v2().path, s); err != nil {
			t.Fatal(err)
		}
		return s.CPU.Total
	}
	for cpuTime() == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	before := cpuTime()
	s, err := g.Stats()
	if err != nil {
		t.Fatal(err)
	}
	after := cpuTime()
	if before == 0 || s.CPU.Total < before || s.CPU.Total > after {
		t.Errorf("CPU time %d is not between %d and %d", s.CPU.Total, before, after)
	}
	if s.Pids != (PidsStats{Current: 1, Limit: 50}) {
		t.Errorf("pids: %+v", s.Pids)
	}
	if s.Memory.Usage.Limit != 64<<20 || s.Memory.Usage.Usage == 0 || s.Memory.Usage.Usage > 64<<20 {
		t.Errorf("memory: %+v", s.Memory)
	}
	if _, ok := s.Memory.Raw["pgfault"]; !ok { // the kernel brings it up to date when it likes
		t.Errorf("memory.stat: %v", s.Memory.Raw)
	}
	if peak := rawNumber(t, g, "memory", "memory.max_usage_in_bytes", "memory.peak"); s.Memory.Usage.Max == 0 || s.Memory.Usage.Max > peak {
		t.Errorf("memory peak: %d, then %d", s.Memory.Usage.Max, peak)
	}
	if !reflect.DeepEqual(s.CPUSet.CPUs, []uint16{0}) || !reflect.DeepEqual(s.CPUSet.Mems, []uint16{0}) {
		t.Errorf("cpuset: %+v", s.CPUSet)
	}
	if d := g.v2(); d != nil {
		if _, err := os.ReadFile(d.path + "/cpu.pressure"); (err == nil) != (s.CPU.PSI != nil) {
			t.Errorf("psi %v, file %v", s.CPU.PSI, err)
		}
	}
}

// TestStatsWithoutCgroup: a rootless container may have none.
func TestStatsWithoutCgroup(t *testing.T) {
	if _, err := (&Group{rootless: true}).Stats(); err == nil {
		t.Error("statistics of nothing")
	}
	if _, err := (&Group{rootless: true}).OOM(); err == nil || !strings.Contains(err.Error(), "memory controller missing") {
		t.Errorf("watch nothing: %v", err)
	}
}

func TestOOM(t *testing.T) {
	l := probe(t)
	if l.Version("memory") == 0 {
		t.Skip("host: no memory controller")
	}
	r := &resources{Memory: &specs.LinuxMemory{Limit: ptr(int64(8 << 20)), Swap: ptr(int64(8 << 20))}}
	g := newGroup(t, l)
	create(t, g, r)
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	o, err := g.OOM()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	happened := func() bool {
		t.Helper()
		is, err := o.Happened()
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if happened() {
		t.Error("there was a lack of memory at once")
	}
	for range 2 {
		hog := spawn(t, g, "dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1")
		for end := time.Now().Add(long); !happened(); {
			timeout, ok := pollTimeout(end)
			if !ok {
				t.Fatal("no lack of memory seen")
			}
			if _, err := unix.Poll([]unix.PollFd{o.Poll()}, timeout); err != nil && err != unix.EINTR {
				t.Fatal(err)
			}
		}
		if err := hog.Wait(); err == nil {
			t.Error("64 MiB fit into 8")
		}
		happened() // v1 may tell once more
	}
	if happened() {
		t.Error("told again")
	}
	if err := g.Delete(long); err != nil {
		t.Fatal(err)
	}
	if happened() {
		t.Error("the removal is taken for a lack of memory")
	}
}
