package cgroup

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Weight converts cpu.shares (v1, 2 to 262144) into cpu.weight (v2, 1 to
// 10000) so that the default maps to the default: 1024 to 100. It is the
// quadratic formula of runc 1.3.2 and crun 1.23, not the linear one before.
// 0, "not set", stays 0.
func Weight(shares uint64) uint64 {
	switch {
	case shares == 0:
		return 0
	case shares <= 2:
		return 1
	case shares >= 262144:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}

// IOWeight converts blkio.weight (v1, 10 to 1000) into io.weight (v2, 1 to
// 10000) linearly. 0, "not set", stays 0.
func IOWeight(weight uint16) uint64 {
	if weight == 0 {
		return 0
	}
	return 1 + (uint64(max(weight, 10))-10)*9999/990
}

// SwapMax is what memory.swap.max gets for the limits of r: a number of bytes,
// "max", or "" for "not set".
func SwapMax(m *specs.LinuxMemory) (string, error) { return swapMax(value(m.Limit), value(m.Swap)) }

// swapMax converts memory+swap (v1) into memory.swap.max, swap alone; "" is
// "not set". Equal values mean no swap.
func swapMax(limit, total int64) (string, error) {
	switch {
	case total == 0 && limit == -1, total == -1:
		return "max", nil
	case total == 0:
		return "", nil
	case limit == -1:
		return orMax(total), nil
	case limit == 0:
		return "", errors.New("unable to set swap limit without memory limit")
	case limit < 0:
		return "", fmt.Errorf("invalid memory value: %d", limit)
	case total < limit:
		return "", errors.New("memory+swap limit should be >= memory limit")
	}
	return strconv.FormatInt(total-limit, 10), nil
}

// orMax formats a v2 value, where -1 is "max".
func orMax(n int64) string {
	if n == -1 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

func writeInt(dir, file string, n int64) error {
	return writeFile(dir, file, strconv.FormatInt(n, 10))
}

func writeUint(dir, file string, n uint64) error {
	return writeFile(dir, file, strconv.FormatUint(n, 10))
}
