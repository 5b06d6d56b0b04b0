package cgroup

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// readBack reads a file in the directory of a v1 or v2 controller; ok is
// false if the host has neither or the kernel lacks the file.
func readBack(t *testing.T, g *Group, controller, file string) (string, bool) {
	t.Helper()
	d := g.v1(controller)
	if d == nil {
		d = g.v2()
	}
	text, err := readKnob(d.path, file)
	if err != nil && !absent(err) {
		t.Fatal(err)
	}
	return text, err == nil
}

func TestLimitsReadBack(t *testing.T) {
	l := probe(t)
	r := &resources{
		Memory: &specs.LinuxMemory{Limit: ptr(int64(64 << 20)), Reservation: ptr(int64(32 << 20)), Swap: ptr(int64(96 << 20)),
			UseHierarchy: ptr(true)},
		CPU: &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(200000)),
			Burst: ptr(uint64(1000)), Cpus: "0", Mems: "0"},
		Pids: &specs.LinuxPids{Limit: ptr(int64(77))},
	}
	want := map[int][][3]string{
		1: {
			{"memory", "memory.limit_in_bytes", "67108864"}, {"memory", "memory.soft_limit_in_bytes", "33554432"},
			{"memory", "memory.memsw.limit_in_bytes", "100663296"},
			{"cpu", "cpu.shares", "512"}, {"cpu", "cpu.cfs_quota_us", "50000"}, {"cpu", "cpu.cfs_period_us", "200000"},
			{"cpu", "cpu.cfs_burst_us", "1000"}, {"cpuset", "cpuset.cpus", "0"}, {"cpuset", "cpuset.mems", "0"},
			{"pids", "pids.max", "77"},
		},
		2: {
			{"memory", "memory.max", "67108864"}, {"memory", "memory.low", "33554432"}, {"memory", "memory.swap.max", "33554432"},
			{"cpu", "cpu.weight", "59"}, {"cpu", "cpu.max", "50000 200000"}, {"cpu", "cpu.max.burst", "1000"},
			{"cpuset", "cpuset.cpus", "0"}, {"cpuset", "cpuset.mems", "0"}, {"pids", "pids.max", "77"},
		},
	}
	g := newGroup(t, l)
	create(t, g, r)
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	read := 0
	for version, files := range want {
		for _, f := range files {
			if l.Version(f[0]) != version {
				continue
			}
			got, ok := readBack(t, g, f[0], f[1])
			if ok && got != f[2] {
				t.Errorf("%s: %q, want %q", f[1], got, f[2])
			}
			if ok {
				read++
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d files could be read", read)
	}
	// Nothing set changes nothing.
	if err := errors.Join(g.Apply(nil), g.Apply(&resources{Memory: &specs.LinuxMemory{}, CPU: &specs.LinuxCPU{}, Pids: &specs.LinuxPids{}})); err != nil {
		t.Error(err)
	}
	if got, _ := readBack(t, g, "pids", "pids.max"); got != "77" {
		t.Errorf("pids.max after nothing: %s", got)
	}
}

func TestPidsLimits(t *testing.T) {
	g := newGroup(t, probe(t))
	r := &resources{Pids: &specs.LinuxPids{Limit: ptr(int64(5))}}
	create(t, g, r)
	for _, tt := range []struct {
		limit int64
		want  string
	}{{5, "5"}, {0, "1"}, {-1, "max"}} {
		r.Pids.Limit = &tt.limit
		if err := g.Apply(r); err != nil {
			t.Fatal(err)
		}
		if got, _ := readBack(t, g, "pids", "pids.max"); got != tt.want {
			t.Errorf("limit %d: pids.max %q, want %q", tt.limit, got, tt.want)
		}
	}
}

// TestMemoryUpAndDown: any step between valid pairs must be possible on a
// live group, whichever of the two files has to be written first.
func TestMemoryUpAndDown(t *testing.T) {
	l := probe(t)
	if l.Version("memory") != 1 {
		t.Skip("host: memory is not on v1")
	}
	g := newGroup(t, l)
	create(t, g, nil)
	const m = 1 << 20
	for _, step := range [][4]int64{ // limit, swap, and both as read; 0: unlimited
		{64 * m, 64 * m, 64 * m, 64 * m}, {256 * m, 512 * m, 256 * m, 512 * m}, {32 * m, 32 * m, 32 * m, 32 * m},
		{300 * m, 300 * m, 300 * m, 300 * m}, {100 * m, 400 * m, 100 * m, 400 * m}, {200 * m, 0, 200 * m, 400 * m},
		{-1, 0, 0, 0}, {64 * m, 128 * m, 64 * m, 128 * m}, {64 * m, -1, 64 * m, 0}, {-1, -1, 0, 0},
	} {
		r := &resources{Memory: &specs.LinuxMemory{Limit: &step[0], Swap: &step[1]}}
		if err := g.Apply(r); err != nil {
			t.Fatalf("%v: %v", step, err)
		}
		for i, file := range []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"} {
			got, ok := readBack(t, g, "memory", file)
			want := orMax(step[2+i])
			if want == "0" {
				want = "9223372036854771712"
			}
			if ok && got != want {
				t.Errorf("%v: %s %s, want %s", step, file, got, want)
			}
		}
	}
}

func TestMemoryLimitBelowUsageV1(t *testing.T) {
	l := probe(t)
	if l.Version("memory") != 1 {
		t.Skip("host: memory is not on v1")
	}
	g := newGroup(t, l)
	create(t, g, nil)
	// The shell says that it runs, and so uses memory, by ending this wait.
	fifo := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	spawn(t, g, "sh", "-c", "echo >"+fifo+"; read x")
	if _, err := os.ReadFile(fifo); err != nil {
		t.Fatal(err)
	}
	r := &resources{Memory: &specs.LinuxMemory{Limit: ptr(int64(4096))}}
	if err := g.Apply(r); !errors.Is(err, unix.EBUSY) ||
		!strings.HasPrefix(err.Error(), `write memory.limit_in_bytes "4096": device or resource busy: unable to set memory limit to 4096 (current usage: `) {
		t.Errorf("%v", err)
	}
}

func TestMemoryKnobsV1(t *testing.T) {
	l := probe(t)
	if l.Version("memory") != 1 {
		t.Skip("host: memory is not on v1")
	}
	g := newGroup(t, l)
	create(t, g, nil)
	r := &resources{Memory: &specs.LinuxMemory{Swappiness: ptr(uint64(7)), DisableOOMKiller: ptr(true)}}
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	if got, _ := readBack(t, g, "memory", "memory.swappiness"); got != "7" {
		t.Errorf("swappiness %q", got)
	}
	if got, _ := readBack(t, g, "memory", "memory.oom_control"); !strings.HasPrefix(got, "oom_kill_disable 1") {
		t.Errorf("oom_control %q", got)
	}
	r.Memory.Swappiness = ptr(uint64(101))
	if err := g.Apply(r); err == nil || !strings.Contains(err.Error(), "valid range is 0-100") {
		t.Errorf("swappiness 101: %v", err)
	}
}

func TestBandwidthUpAndDown(t *testing.T) {
	l := probe(t)
	g := newGroup(t, l)
	r := &resources{CPU: &specs.LinuxCPU{Quota: ptr(int64(1000))}}
	create(t, g, r)
	type step struct {
		quota          int64
		period         uint64
		v1Q, v1P, v2Ma string
	}
	for _, s := range []step{
		{5000, 10000, "5000", "10000", "5000 10000"},
		{500000, 1000000, "500000", "1000000", "500000 1000000"},
		{2000, 5000, "2000", "5000", "2000 5000"},
		{-1, 100000, "-1", "100000", "max 100000"},
	} {
		r.CPU.Quota, r.CPU.Period = &s.quota, &s.period
		if err := g.Apply(r); err != nil {
			t.Fatal(err)
		}
		if l.Version("cpu") == 2 {
			if got, _ := readBack(t, g, "cpu", "cpu.max"); got != s.v2Ma {
				t.Errorf("%+v: %s", s, got)
			}
			continue
		}
		q, _ := readBack(t, g, "cpu", "cpu.cfs_quota_us")
		p, _ := readBack(t, g, "cpu", "cpu.cfs_period_us")
		if q != s.v1Q || p != s.v1P {
			t.Errorf("%+v: %s %s", s, q, p)
		}
	}
	for shares, text := range map[uint64]string{1: "the minimum allowed cpu-shares is 2", 1 << 19: "the maximum allowed cpu-shares is 262144"} {
		if err := g.Apply(&resources{CPU: &specs.LinuxCPU{Shares: &shares}}); l.Version("cpu") == 1 && (err == nil || err.Error() != text) {
			t.Errorf("shares %d: %v", shares, err)
		}
	}
	if err := g.Apply(&resources{CPU: &specs.LinuxCPU{Idle: ptr(int64(1))}}); err != nil {
		t.Fatal(err)
	}
	if got, ok := readBack(t, g, "cpu", "cpu.idle"); ok && got != "1" {
		t.Errorf("cpu.idle %s", got)
	}
}

func TestRealtimeV1(t *testing.T) {
	l := probe(t)
	if l.Version("cpu") != 1 {
		t.Skip("host: cpu is not on v1")
	}
	g := newGroup(t, l)
	create(t, g, nil)
	if _, ok := readBack(t, g, "cpu", "cpu.rt_runtime_us"); !ok {
		t.Skip("host: kernel without realtime groups")
	}
	// A group can give what its parent has.
	parent := newGroup(t, l)
	create(t, parent, nil)
	for _, at := range []string{path.Dir(parent.v1("cpu").path), parent.v1("cpu").path} {
		d := &dir{path: at}
		r := &resources{CPU: &specs.LinuxCPU{RealtimeRuntime: ptr(int64(1000)), RealtimePeriod: ptr(uint64(500000))}}
		if err := applyCPUV1(d, r); err != nil {
			t.Fatal(err)
		}
	}
	runtime, _ := readBack(t, parent, "cpu", "cpu.rt_runtime_us")
	period, _ := readBack(t, parent, "cpu", "cpu.rt_period_us")
	if runtime != "1000" || period != "500000" {
		t.Errorf("realtime %s of %s", runtime, period)
	}
	err := g.Apply(&resources{CPU: &specs.LinuxCPU{RealtimeRuntime: ptr(int64(1000))}})
	if err == nil || err.Error() != `write cpu.rt_runtime_us "1000": invalid argument` {
		t.Errorf("more than the parent has: %v", err)
	}
}

// wholeDisk returns a block device that can be throttled.
func wholeDisk(t *testing.T) (major, minor int64) {
	entries, err := os.ReadDir("/sys/block")
	if err != nil {
		t.Skip("host: no /sys/block")
	}
	for _, e := range entries {
		text, err := os.ReadFile("/sys/block/" + e.Name() + "/dev")
		if err != nil || strings.HasPrefix(e.Name(), "loop") || strings.HasPrefix(e.Name(), "zram") || strings.HasPrefix(e.Name(), "ram") {
			continue
		}
		a, b, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
		major, err1 := parseNumber(a)
		minor, err2 := parseNumber(b)
		if err1 == nil && err2 == nil {
			return major, minor
		}
	}
	t.Skip("host: no disk")
	return 0, 0
}

func TestThrottle(t *testing.T) {
	l := probe(t)
	major, minor := wholeDisk(t)
	d := specs.LinuxBlockIODevice{Major: major, Minor: minor}
	list := func(rate uint64) []specs.LinuxThrottleDevice {
		return []specs.LinuxThrottleDevice{{LinuxBlockIODevice: d, Rate: rate}}
	}
	r := &resources{BlockIO: &specs.LinuxBlockIO{
		ThrottleReadBpsDevice: list(1 << 20), ThrottleWriteBpsDevice: list(2 << 20),
		ThrottleReadIOPSDevice: list(30), ThrottleWriteIOPSDevice: list(40),
	}}
	g := newGroup(t, l)
	create(t, g, r)
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	dev := device(major, minor)
	if l.Version("blkio") == 1 {
		for file, want := range map[string]string{
			"blkio.throttle.read_bps_device": "1048576", "blkio.throttle.write_bps_device": "2097152",
			"blkio.throttle.read_iops_device": "30", "blkio.throttle.write_iops_device": "40",
		} {
			if got, _ := readBack(t, g, "blkio", file); got != dev+want {
				t.Errorf("%s: %q", file, got)
			}
		}
		return
	}
	if got, _ := readBack(t, g, "io", "io.max"); got != dev+"rbps=1048576 wbps=2097152 riops=30 wiops=40" {
		t.Errorf("io.max: %q", got)
	}
}

func TestHugetlbAndUnified(t *testing.T) {
	l := probe(t)
	if l.Version("hugetlb") == 0 {
		t.Skip("host: no hugetlb controller")
	}
	restoreController(t, l, "hugetlb")
	const size = "2MB"
	if _, err := os.Stat("/sys/kernel/mm/hugepages/hugepages-2048kB"); err != nil {
		t.Skip("host: no huge pages of 2 MB")
	}
	r := &resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: size, Limit: 4 << 20}}}
	g := newGroup(t, l)
	create(t, g, r)
	if err := g.Apply(r); err != nil {
		t.Fatal(err)
	}
	suffix := map[int]string{1: "limit_in_bytes", 2: "max"}[l.Version("hugetlb")]
	for _, file := range []string{"hugetlb.2MB." + suffix, "hugetlb.2MB.rsvd." + suffix} {
		if got, ok := readBack(t, g, "hugetlb", file); ok && got != "4194304" {
			t.Errorf("%s: %s", file, got)
		}
	}
	if l.Version("hugetlb") == 1 {
		return
	}
	u := &resources{Unified: map[string]string{"hugetlb.2MB.max": "6291456", "cgroup.max.descendants": "9\n"}}
	if err := g.Apply(u); err != nil {
		t.Fatal(err)
	}
	if got, _ := readBack(t, g, "hugetlb", "hugetlb.2MB.max"); got != "6291456" {
		t.Errorf("unified hugetlb: %s", got)
	}
	if got, _ := readKnob(g.v2().path, "cgroup.max.descendants"); got != "9" {
		t.Errorf("cgroup.max.descendants: %s", got)
	}
}

// TestHugetlbLate: an update asks for what was not needed at creation.
func TestHugetlbLate(t *testing.T) {
	l := probe(t)
	if l.Version("hugetlb") != 2 {
		t.Skip("host: hugetlb is not on v2")
	}
	restoreController(t, l, "hugetlb")
	g := newGroup(t, l)
	create(t, g, nil)
	if err := g.Apply(&resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 2 << 20}}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := readBack(t, g, "hugetlb", "hugetlb.2MB.max"); got != "2097152" {
		t.Errorf("hugetlb.2MB.max: %s", got)
	}
	err := g.Apply(&resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "3MB", Limit: 1}}})
	if err == nil || err.Error() != `write hugetlb.3MB.max "1": no such file or directory` {
		t.Errorf("3MB: %v", err)
	}
}

// TestParentWithProcesses: v2 does not hand controllers down from a group
// that has processes of its own.
func TestParentWithProcesses(t *testing.T) {
	l := probe(t)
	if l.Version("hugetlb") != 2 {
		t.Skip("host: hugetlb is not on v2")
	}
	restoreController(t, l, "hugetlb")
	parent := newGroup(t, l)
	create(t, parent, nil)
	spawn(t, parent, "cat")
	g := parent.sub("x")
	err := g.Create(&resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 1}}})
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "enable controller hugetlb for "+g.v2().path) ||
		!strings.Contains(err.Error(), "has processes of its own") {
		t.Errorf("%v", err)
	}
	for _, dir := range g.Paths() {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is left", dir)
		}
	}
}

func TestBlockIOWeight(t *testing.T) {
	l := probe(t)
	r := &resources{BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(300))}}
	g := newGroup(t, l)
	create(t, g, r)
	err := g.Apply(r)
	read := 0
	// The first of these that exists is the one in use.
	for _, f := range [][2]string{{"blkio.weight", "300"}, {"blkio.bfq.weight", "300"}, {"io.bfq.weight", "default 300"}, {"io.weight", "default 2930"}} {
		got, ok := readBack(t, g, "blkio", f[0])
		if !ok || read > 0 {
			continue
		}
		if read++; got != f[1] {
			t.Errorf("%s: %q", f[0], got)
		}
	}
	if (read == 0) != errors.Is(err, unix.ENOENT) || read > 0 && err != nil {
		t.Errorf("%d files: %v", read, err)
	}
}

// restoreController disables again in the root what the test will enable.
func restoreController(t *testing.T, l Layout, name string) {
	h := l.Hierarchies[len(l.Hierarchies)-1]
	if !h.V2 || !h.has(name) {
		return
	}
	if lacks, err := lacking(h.Mount, []string{name}); err != nil || len(lacks) == 0 {
		return
	}
	t.Cleanup(func() { _ = writeFile(h.Mount, "cgroup.subtree_control", "-"+name) })
}

func TestUnifiedRefusals(t *testing.T) {
	l := probe(t)
	onlyV2 := only(l, true)
	if v1 := only(l, false); v1.Mode() == ModeV1 {
		g := newGroup(t, v1)
		create(t, g, nil)
		if err := g.Apply(&resources{Unified: map[string]string{"memory.max": "1"}}); err != ErrV1Unified {
			t.Errorf("v1: %v", err)
		}
	}
	if onlyV2.Mode() != ModeUnified {
		t.Skip("host: v2 is not mounted")
	}
	g := newGroup(t, onlyV2)
	create(t, g, nil)
	for key, want := range map[string]string{
		"../cgroup.procs": "no slashes", "memory": "CONTROLLER.PARAMETER", "nothere.max": `controller "nothere" not available`,
		"cgroup.procs": "is not a limit", "cgroup.nothere": "no such file", ".x": "CONTROLLER.PARAMETER",
	} {
		err := g.Apply(&resources{Unified: map[string]string{key: "1"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestAbsentControllers needs no host: a limit without a controller is an
// error that names the field, and "unlimited" is not.
func TestAbsentControllers(t *testing.T) {
	v1 := &Group{dirs: []dir{{Hierarchy: Hierarchy{Controllers: []string{"x"}}, path: "/nowhere"}}}
	v2 := &Group{unified: true, dirs: []dir{{Hierarchy: Hierarchy{V2: true}, path: "/nowhere"}}}
	for _, tt := range []struct {
		want string
		r    resources
	}{
		{"memory.limit", resources{Memory: &specs.LinuxMemory{Limit: ptr(int64(1))}}},
		{"memory.swap", resources{Memory: &specs.LinuxMemory{Swap: ptr(int64(1))}}},
		{"memory.reservation", resources{Memory: &specs.LinuxMemory{Reservation: ptr(int64(1))}}},
		{"", resources{Memory: &specs.LinuxMemory{Limit: ptr(int64(-1)), Swap: ptr(int64(-1)), Reservation: ptr(int64(0))}}},
		{"cpu.shares", resources{CPU: &specs.LinuxCPU{Shares: ptr(uint64(2))}}},
		{"", resources{CPU: &specs.LinuxCPU{Quota: ptr(int64(-1)), Shares: ptr(uint64(0))}}},
		{"cpu.cpus", resources{CPU: &specs.LinuxCPU{Cpus: "0"}}},
		{"pids.limit", resources{Pids: &specs.LinuxPids{Limit: ptr(int64(0))}}},
		{"", resources{Pids: &specs.LinuxPids{Limit: ptr(int64(-1))}}},
		{"blockIO.weight", resources{BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(10))}}},
		{"hugepageLimits", resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB"}}}},
		{"rdma", resources{Rdma: map[string]specs.LinuxRdma{"x": {}}}},
		{"network.classID", resources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(1))}}},
		{"network.priorities", resources{Network: &specs.LinuxNetwork{Priorities: []specs.LinuxInterfacePriority{{Name: "lo"}}}}},
		{"", resources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(0))}}},
	} {
		for name, g := range map[string]*Group{"v1": v1, "v2": v2} {
			err := g.Apply(&tt.r)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+": ")) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
	}
	lost := &Group{dirs: []dir{{Hierarchy: Hierarchy{Controllers: []string{"pids"}}, lost: unix.EACCES}}}
	err := lost.Apply(&resources{Pids: &specs.LinuxPids{Limit: ptr(int64(5))}})
	if err == nil || !strings.Contains(err.Error(), "cannot set pids limit: container could not join or create cgroup") {
		t.Errorf("lost: %v", err)
	}
}

func TestNotInV2(t *testing.T) {
	d := &dir{path: "/nowhere"}
	for name, err := range map[string]error{
		"oom":        applyMemoryV2(d, &resources{Memory: &specs.LinuxMemory{DisableOOMKiller: ptr(true)}}),
		"swappiness": applyMemoryV2(d, &resources{Memory: &specs.LinuxMemory{Swappiness: ptr(uint64(1))}}),
		"realtime":   applyCPUV2(d, &resources{CPU: &specs.LinuxCPU{RealtimeRuntime: ptr(int64(1))}}),
		"leafWeight": applyBlockIOV2(d, &resources{BlockIO: &specs.LinuxBlockIO{LeafWeight: ptr(uint16(10))}}),
	} {
		if !errors.Is(err, ErrNotInV2) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsNameFileValueAndReason(t *testing.T) {
	g := newGroup(t, probe(t))
	r := &resources{CPU: &specs.LinuxCPU{Cpus: "0-99999x"}}
	create(t, g, nil)
	err := g.Apply(r)
	if err == nil || err.Error() != `write cpuset.cpus "0-99999x": invalid argument` || !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v", err)
	}
}
