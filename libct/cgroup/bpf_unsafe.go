package cgroup

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpfAttr is as large as any kernel's union bpf_attr: kernels 6.17 to 7.1
// write BPF_PROG_QUERY's revision past a shorter one, whatever size they are
// told. Bytes that an older kernel does not know must be zero, and are.
type bpfAttr [256]byte

func (a *bpfAttr) u32(offset int, n uint32) { *(*uint32)(unsafe.Pointer(&a[offset])) = n }
func (a *bpfAttr) get32(offset int) uint32  { return *(*uint32)(unsafe.Pointer(&a[offset])) }
func (a *bpfAttr) ptr(offset int, p uint64) { *(*uint64)(unsafe.Pointer(&a[offset])) = p }
func address[T any](p *T) uint64            { return uint64(uintptr(unsafe.Pointer(p))) }
func (a *bpfAttr) attach(group, prog int, f uint32) {
	a.u32(0, uint32(group))
	a.u32(4, uint32(prog))
	a.u32(8, unix.BPF_CGROUP_DEVICE)
	a.u32(12, f)
}

const (
	maxBPFTries   = 128
	programBuffer = 64 // a cgroup cannot have more programs of a type
)

// bpf calls bpf(2). The verifier is interrupted by any signal (EAGAIN), such
// as those with which Go preempts.
func bpf(cmd int, a *bpfAttr) (int, error) {
	var errno unix.Errno
	for range maxBPFTries {
		var fd uintptr
		fd, _, errno = unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(unsafe.Pointer(a)), unsafe.Sizeof(*a))
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return -1, errno
		}
	}
	return -1, errno
}

// loadProgram has the kernel check a device program; the descriptor is the
// caller's, and close-on-exec as all of bpf(2)'s are.
func loadProgram(prog []insn) (int, error) {
	license := []byte("Apache-2.0\x00")
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&prog[0])
	pin.Pin(&license[0])
	a := new(bpfAttr)
	a.u32(0, unix.BPF_PROG_TYPE_CGROUP_DEVICE)
	a.u32(4, uint32(len(prog)))
	a.ptr(8, address(&prog[0]))
	a.ptr(16, address(&license[0]))
	return bpf(unix.BPF_PROG_LOAD, a)
}

// attachProgram attaches prog to a cgroup; it takes the place of the program
// replaced if that is not -1 (BPF_F_REPLACE, since Linux 5.6).
func attachProgram(group, prog, replaced int) error {
	a := new(bpfAttr)
	a.attach(group, prog, unix.BPF_F_ALLOW_MULTI)
	if replaced >= 0 {
		a.attach(group, prog, unix.BPF_F_ALLOW_MULTI|unix.BPF_F_REPLACE)
		a.u32(16, uint32(replaced))
	}
	_, err := bpf(unix.BPF_PROG_ATTACH, a)
	return err
}

func detachProgram(group, prog int) error {
	a := new(bpfAttr)
	a.attach(group, prog, 0)
	_, err := bpf(unix.BPF_PROG_DETACH, a)
	return err
}

// attachedPrograms opens the device programs of a cgroup itself, not of its
// ancestors. Those that a security module hides are left out: they can only
// restrict further.
func attachedPrograms(group int) ([]int, error) {
	ids := make([]uint32, programBuffer)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&ids[0])
	a := new(bpfAttr)
	a.u32(0, uint32(group))
	a.u32(4, unix.BPF_CGROUP_DEVICE)
	a.ptr(16, address(&ids[0]))
	a.u32(24, programBuffer)
	if _, err := bpf(unix.BPF_PROG_QUERY, a); err != nil {
		return nil, err
	}
	var fds []int
	for _, id := range ids[:min(a.get32(24), programBuffer)] {
		b := new(bpfAttr)
		b.u32(0, id)
		fd, err := bpf(unix.BPF_PROG_GET_FD_BY_ID, b)
		switch {
		case err == nil:
			fds = append(fds, fd)
		case refused(err), absent(err): // hidden, or detached since
		default:
			closeAll(fds)
			return nil, err
		}
	}
	return fds, nil
}
