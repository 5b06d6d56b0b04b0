// Package signals makes the signals that this process gets readable from a
// descriptor, for the attendant of a container in the foreground.
//
// It does at 60 rt_sigaction(2) what os/signal does with a hand-over between
// threads for each signal, a quarter of the time of a whole run. It may import
// x/sys alone. The handler, in assembly, must never do more than write one
// byte.
package signals

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// last is the highest signal, SIGRTMAX.
const last = 64

// action is the kernel's struct sigaction, alike on amd64 and arm64.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	saSigInfo  = 0x4
	saRestorer = 0x04000000
	saOnStack  = 0x08000000
	saRestart  = 0x10000000
)

// pipe is where the handler writes; it never blocks there.
//
//lint:ignore U1000 read by the handler, in assembly
var pipe int32

// addresses are where handle and what it returns to begin; restorer is 0 where
// the kernel brings its own.
func addresses() (handler, restorer uintptr)

var open = sync.OnceValues(func() (int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	pipe = int32(p[1])
	a := action{flags: saSigInfo | saOnStack | saRestart, mask: ^uint64(0)}
	if a.handler, a.restorer = addresses(); a.restorer != 0 {
		a.flags |= saRestorer
	}
	for sig := unix.Signal(1); sig <= last; sig++ {
		if left(sig) {
			continue
		}
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0); errno != 0 {
			return -1, fmt.Errorf("rt_sigaction %v: %w", sig, errno)
		}
	}
	return p[0], nil
})

// Open returns a descriptor that a byte comes from for every signal from now
// on, until this process ends: its number. It never blocks; wait with poll(2).
// Not among them are those that mean a fault of this process, those of Go's
// runtime, and SIGWINCH, which is the terminal's affair. Signals that are
// ignored are taken all the same.
func Open() (fd int, err error) { return open() }

// left tells which signals are not taken.
func left(sig unix.Signal) bool {
	switch sig {
	case unix.SIGKILL, unix.SIGSTOP, // cannot be
		unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGSYS, // faults
		unix.SIGURG, unix.SIGPROF, 32, 33, // Go's, and those of C's threads
		unix.SIGWINCH:
		return true
	}
	return false
}
