package child

import (
	"unsafe"

	"rt/libct/plan"
)

// call is the bare system call: it neither tells the scheduler nor touches the
// stack. The result is the kernel's: minus the errno on failure.
//
//go:noescape
func call(nr, a, b, c, d, e, f uintptr) uintptr

// fork is clone3 for a process that ends where its child begins: it returns in
// the child, or with a failure. With CLONE_VM the two share the stack, which the
// parent does not touch any more.
//
//go:noescape
func fork(args, size uintptr) uintptr

// parentTid is where struct clone_args has its parent_tid.
const parentTid = 24

// The shared page, in words: what the child leaves for its parent.
const (
	pageIndex = 0 // the op being run
	pageErrno = 1 // its errno, 0 while nothing has failed
	pageSlots = 2 // the slots
	// statusBytes is how much of the page is the status.
	statusBytes = 16
)

// job is everything the child needs: it reads nothing else.
type job struct {
	ops    unsafe.Pointer
	n      uintptr
	page   unsafe.Pointer
	status uintptr // slot + 1 of the descriptor that gets the status, or 0
}

// sigSetMask is SIG_SETMASK of rt_sigprocmask(2), whose sets have eight bytes.
const (
	sigSetMask = 2
	sigSetSize = 8
)

// spawn clones the calling thread. In the child it never returns, and every
// signal is blocked, so that nothing of the runtime can run there.
//
// Blocked signals also keep the goroutine on its thread from the first call to
// the last: without SIGURG and without a function prologue nothing takes it off.
// runtime.LockOSThread would do so at the price of a thread more.
//
// Preconditions: args has no CLONE_VM.
//
//go:noinline
//go:norace
//go:nosplit
//go:nocheckptr
func spawn(args unsafe.Pointer, size uintptr, j *job) uintptr {
	all, old := ^uint64(0), uint64(0)
	call(sysSigprocmask, sigSetMask, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), sigSetSize, 0, 0)
	pid := call(sysClone3, uintptr(args), size, 0, 0, 0, 0)
	if pid == 0 {
		walk(j)
	}
	call(sysSigprocmask, sigSetMask, uintptr(unsafe.Pointer(&old)), 0, sigSetSize, 0, 0)
	return pid
}

// walk runs the ops and never returns.
//
// It is a copy of one thread of a Go program: every other thread is gone and
// may have held any lock. So walk calls nothing but call and fork: no allocation, no
// stack growth (nosplit), no scheduler, no write barrier (it stores numbers
// only). TestDisassembly holds it to that.
//
//go:noinline
//go:norace
//go:nosplit
//go:nocheckptr
func walk(j *job) {
	slots := unsafe.Add(j.page, pageSlots*8)
	for i := uintptr(0); i < j.n; i++ {
		op := (*[plan.OpWords]uintptr)(unsafe.Add(j.ops, i*plan.OpBytes))
		*(*uintptr)(j.page) = i
		into := op[plan.WordInto]
		if g := op[plan.WordGuard]; g != 0 {
			v := *(*uintptr)(unsafe.Add(slots, (g-1)*8))
			ok, failed := v < 1<<63, v >= maxErrno
			if op[plan.WordUnless] == 0 && !ok || op[plan.WordUnless] == 1 && !failed {
				if into != 0 && into != g {
					*(*uintptr)(unsafe.Add(slots, (into-1)*8)) = skipped
				}
				continue
			}
		}
		var arg [6]uintptr
		for k := range arg {
			arg[k] = op[plan.WordArg0+k]
			if op[plan.WordArgs]>>k&1 == 1 {
				arg[k] = *(*uintptr)(unsafe.Add(slots, arg[k]*8))
			}
		}
		r := uintptr(0)
		if op[plan.WordKind] == uintptr(plan.Clone) {
			*(*uintptr)(unsafe.Add(j.ops, arg[0]-uintptr(j.ops)+parentTid)) = uintptr(slots) + (into-1)*8
			if r = fork(arg[0], arg[1]); r == 0 {
				continue
			}
		} else {
			r = call(op[plan.WordNR], arg[0], arg[1], arg[2], arg[3], arg[4], arg[5])
		}
		for again := op[plan.WordRetry]; r == ^uintptr(eagain)+1 && again > 0; again-- {
			r = call(op[plan.WordNR], arg[0], arg[1], arg[2], arg[3], arg[4], arg[5])
		}
		if into != 0 {
			*(*uintptr)(unsafe.Add(slots, (into-1)*8)) = r
		}
		errno := uintptr(0)
		if r >= maxErrno {
			errno = -r
			for t := op[plan.WordTolerate]; t != 0; t >>= 16 {
				if t&0xffff == errno {
					errno = 0
				}
			}
		}
		switch want := op[plan.WordWant]; {
		case want == uintptr(plan.WantError):
			if r == -op[plan.WordValue] {
				errno = 0
			} else if errno == 0 {
				errno = op[plan.WordErrno]
			}
		case errno != 0 || r >= maxErrno:
		case want == uintptr(plan.WantResult) && r != op[plan.WordValue],
			want == uintptr(plan.WantByte) && uintptr(*(*byte)(unsafe.Add(j.ops, op[plan.WordOut]))) != op[plan.WordValue]:
			errno = op[plan.WordErrno]
		}
		if errno != 0 {
			*(*uintptr)(unsafe.Add(j.page, pageErrno*8)) = errno
			break
		}
	}
	if j.status != 0 {
		fd := *(*uintptr)(unsafe.Add(slots, (j.status-1)*8))
		call(sysWrite, fd, uintptr(j.page), statusBytes, 0, 0, 0)
	}
	for {
		call(sysExitGroup, 1, 0, 0, 0, 0, 0)
	}
}
