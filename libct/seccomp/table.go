package seccomp

//go:generate go run ./internal/gensyscalls

// abi is one way into the kernel with its own system call numbers: a column of
// the table in zsyscalls.go.
type abi uint8

const (
	abiX8664 abi = iota
	abiX86
	abiX32
	abiAarch64
	abiArm
	abiCount
)

// AUDIT_ARCH_* of <linux/audit.h>: what seccomp_data.arch holds.
const (
	auditX8664   = 0xc000003e
	auditI386    = 0x40000003
	auditAarch64 = 0xc00000b7
	auditArm     = 0x40000028
)

// x32Bit marks the x32 calls, which the kernel reports as auditX8664.
const x32Bit = 0x40000000

type syscallRow struct {
	name string
	nr   [abiCount]int32
}

// wide reports whether the ABI's arguments are compared as 64-bit values.
// libseccomp compares the low words alone on 32-bit ABIs, x32 among them.
func (a abi) wide() bool { return a == abiX8664 || a == abiAarch64 }

// lookup returns a name's row of the table, nil when no ABI knows the name.
func lookup(name string) *syscallRow {
	lo, hi := 0, len(syscalls)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch row := &syscalls[mid]; {
		case row.name == name:
			return row
		case row.name < name:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}
