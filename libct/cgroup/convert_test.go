package cgroup

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func ptr[T any](v T) *T { return &v }

func TestWeight(t *testing.T) {
	// The ends, the default, and values computed apart from the formula.
	for shares, want := range map[uint64]uint64{
		0: 0, 1: 1, 2: 1, 1024: 100, 262144: 10000, 1 << 40: 10000,
		4: 2, 512: 59, 2048: 174, 10240: 639, 102400: 4429,
	} {
		if got := Weight(shares); got != want {
			t.Errorf("Weight(%d) = %d, want %d", shares, got, want)
		}
	}
	last := uint64(1)
	for s := uint64(2); s <= 262144; s++ {
		w := Weight(s)
		if w < last || w > 10000 {
			t.Fatalf("Weight(%d) = %d after %d", s, w, last)
		}
		last = w
	}
}

func TestIOWeight(t *testing.T) {
	for in, want := range map[uint16]uint64{0: 0, 10: 1, 100: 910, 500: 4950, 1000: 10000, 5: 1} {
		if got := IOWeight(in); got != want {
			t.Errorf("IOWeight(%d) = %d, want %d", in, got, want)
		}
	}
}

func TestSwapMax(t *testing.T) {
	for _, tt := range []struct {
		limit, total int64
		want         string
		fails        bool
	}{
		{0, 0, "", false}, {-1, 0, "max", false}, {100, -1, "max", false}, {0, -1, "max", false},
		{100, 0, "", false}, {-1, 200, "200", false}, {100, 300, "200", false}, {100, 100, "0", false},
		{0, 100, "", true}, {200, 100, "", true}, {-2, 100, "", true},
	} {
		got, err := swapMax(tt.limit, tt.total)
		if got != tt.want || (err != nil) != tt.fails {
			t.Errorf("swapMax(%d, %d) = %q, %v", tt.limit, tt.total, got, err)
		}
	}
}

func TestValues(t *testing.T) {
	dev := specs.LinuxBlockIODevice{Major: 8, Minor: 16}
	for got, want := range map[string]string{
		cpuMax(&specs.LinuxCPU{Quota: ptr(int64(5000))}):                           "5000 100000",
		cpuMax(&specs.LinuxCPU{Quota: ptr(int64(-1)), Period: ptr(uint64(2000))}):  "max 2000",
		cpuMax(&specs.LinuxCPU{Period: ptr(uint64(3000))}):                         "max 3000",
		ioMax(specs.LinuxThrottleDevice{LinuxBlockIODevice: dev, Rate: 7}, "rbps"): "8:16 rbps=7",
		ioMax(specs.LinuxThrottleDevice{LinuxBlockIODevice: dev}, "wiops"):         "8:16 wiops=max",
		deviceValue(8, 16, 700): "8:16 700",
		rdmaMax("mlx5_1", specs.LinuxRdma{HcaHandles: ptr(uint32(3)), HcaObjects: ptr(uint32(10000))}): "mlx5_1 hca_handle=3 hca_object=10000",
		rdmaMax("mlx5_1", specs.LinuxRdma{HcaObjects: ptr(uint32(0))}):                                 "mlx5_1 hca_object=0",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for size, want := range map[string]bool{"2MB": true, "64KB": true, "1GB": true, "": false, "MB": false,
		"../MB": false, "2mb": false, "2M": false, "2TB": false, "-2MB": false} {
		if isPageSize(size) != want {
			t.Errorf("isPageSize(%q)", size)
		}
	}
}
