// Package child runs a plan: it clones the process and walks the plan's ops in
// the clone, until execve.
//
// It is the only package with unsafe. The clone never re-executes rt, never
// runs the Go runtime, allocates nothing and calls one function: the system
// call stub. It shares no memory with its parent but one page of results, so
// its dumpable flag, its signals and its faults are its own.
package child

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

const (
	eagain = 11
	// maxErrno: results from here on are errnos.
	maxErrno = ^uintptr(4095) + 1
	// skipped is in the slot of a call that was not made: neither a success
	// nor a failure, so that what depends on it is skipped too.
	// As a descriptor it is -1.
	skipped = uintptr(1<<63 | 1<<32 - 1)
)

// Process is a child that was started.
type Process struct {
	// Pid is the clone's; a plan with a Clone op goes on in another process,
	// whose pid is in that op's slot.
	Pid int
	// Pidfd refers to it, close-on-exec.
	Pidfd int

	plan *plan.Plan
	page []byte
}

// cloneArgs is struct clone_args of Linux 5.7 (CLONE_ARGS_SIZE_VER2).
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

// Start clones the calling process and lets the clone run p. inputs holds the
// values of the input slots by slot, status and all others are ignored.
// cgroup is a descriptor of a cgroup v2 directory to be born in, or -1.
// The error is clone3's; what fails later is found with Err.
func Start(p *plan.Plan, inputs []int64, cgroup int) (*Process, error) {
	image := p.Encode(inputs)
	page, err := unix.Mmap(-1, 0, (pageSlots+len(p.Slots))*8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map the status page: %w", err)
	}
	// The child finds its copy of the heap, which never moves, at the same address.
	image.Relocate(uintptr(unsafe.Pointer(&image.Bytes[0])))
	c := &Process{plan: p, page: page}
	for s := range p.Slots {
		v := int64(-1<<63 | 1<<32 - 1)
		if p.Slots[s].Input {
			v = inputs[s]
		}
		*c.word(pageSlots + s) = v
	}
	if err := c.spawn(image.Ops, image.Bytes, cgroup); err != nil {
		unix.Munmap(page)
		return nil, err
	}
	return c, nil
}

func (c *Process) spawn(ops int, image []byte, cgroup int) error {
	args := cloneArgs{
		flags: c.plan.Clone | unix.CLONE_PIDFD | unix.CLONE_CLEAR_SIGHAND,
		// The kernel stores an int of 32 bits. c is on the heap, which never moves.
		pidfd:      uint64(uintptr(unsafe.Pointer(&c.Pidfd))),
		exitSignal: uint64(unix.SIGCHLD),
	}
	if cgroup >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(cgroup)
	}
	j := job{ops: unsafe.Pointer(&image[0]), n: uintptr(ops), page: unsafe.Pointer(&c.page[0]), status: uintptr(c.plan.Status + 1)}
	pid := spawn(unsafe.Pointer(&args), unsafe.Sizeof(args), &j)
	if pid >= maxErrno {
		return fmt.Errorf("clone3: %w", unix.Errno(-pid))
	}
	c.Pid = int(pid)
	return nil
}

// word is word i of the shared page.
func (c *Process) word(i int) *int64 { return (*int64)(unsafe.Pointer(&c.page[i*8])) }

// Slot is the value of a slot: a result, or minus the errno of a tolerated
// failure. Reading is safe once the child waits at a barrier or is gone. Of a
// Clone op's pid the kernel writes the lower half alone.
func (c *Process) Slot(s plan.Slot) int {
	v := uintptr(*c.word(pageSlots + int(s)))
	const low = 1<<32 - 1
	if v>>32 == skipped>>32 && v&low != skipped&low {
		return int(v & low)
	}
	return int(v)
}

// Named is the value of the slot of that name; ok is false if the plan has none
// or nothing has been put there.
func (c *Process) Named(name string) (v int, ok bool) {
	for s := range c.plan.Slots {
		if c.plan.Slots[s].Name == name {
			v := c.Slot(plan.Slot(s))
			return v, v >= 0
		}
	}
	return 0, false
}

// Err is the failure that ended the child, or nil: the op by its index in the
// plan and the kernel's answer (*plan.OpError).
func (c *Process) Err() error {
	errno := *c.word(pageErrno)
	if errno == 0 {
		return nil
	}
	return c.plan.Fail(int(*c.word(pageIndex)), unix.Errno(errno))
}

// Index is the op that the child is at, or was at when it ended.
func (c *Process) Index() int { return int(*c.word(pageIndex)) }

// Close forgets the child's page and closes its pidfd.
func (c *Process) Close() error {
	unix.Munmap(c.page)
	return unix.Close(c.Pidfd)
}

// ParseStatus reads what a failing child writes to the plan's status
// descriptor: the op's index and the errno. ok is false for anything else.
func ParseStatus(b []byte) (index int, errno unix.Errno, ok bool) {
	if len(b) != statusBytes {
		return 0, 0, false
	}
	word := func(at int) (v uint64) {
		for i := 7; i >= 0; i-- {
			v = v<<8 | uint64(b[at+i])
		}
		return v
	}
	i, e := word(0), word(8)
	if i > 1<<31 || e == 0 || e > 4095 {
		return 0, 0, false
	}
	return int(i), unix.Errno(e), true
}
