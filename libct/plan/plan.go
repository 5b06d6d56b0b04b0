// Package plan is the data a container is made from: a flat list of system
// calls that the child of one clone3 walks through, the last one being execve.
//
// It is pure: it imports the standard library only, makes no system call, and
// never looks at the machine. compile writes plans, child runs them, and a
// person reads them (Plan.String).
package plan

import "syscall"

// Plan is straight-line: the child runs Ops in order, once, and has no jumps.
type Plan struct {
	// Clone is what the first clone3 makes: CLONE_NEW* flags only.
	Clone uint64
	// Ops are the calls of the child, in order.
	Ops []Op
	// Slots are the places for results; an Op names them by index.
	Slots []SlotInfo
	// Status is the slot of the descriptor that a failing child writes its
	// status to besides the shared page, or None.
	Status Slot
}

// SlotInfo describes one slot of a plan.
type SlotInfo struct {
	// Name is unique in a plan and printed with a dollar sign.
	Name string
	// Input slots are filled by the parent before the clone.
	Input bool
}

// Slot is an index into Plan.Slots.
type Slot int

// None is the absent slot.
const None Slot = -1

// Kind tells the two kinds of op apart.
type Kind uint8

const (
	// Sys is an ordinary system call.
	Sys Kind = iota
	// Clone is clone3 with CLONE_PARENT: the caller exits with status 0, the
	// new process goes on with the next op. It is what makes a process a
	// member of a pid or time namespace that was joined or unshared.
	Clone
)

// Op is one system call of the child.
type Op struct {
	// Kind is Sys or Clone.
	Kind Kind
	// Call is the system call.
	Call Call
	// Args are its arguments, six at most.
	Args []Arg
	// Into keeps the result (on a tolerated failure, minus the errno), or None.
	Into Slot
	// Guard, if not None, is a slot: the op runs only if that slot's call
	// succeeded, or, with Unless set, only if it failed. An op that does not
	// run leaves its own slot as neither, so what depends on it does not run
	// either; if it guards on its own slot, it leaves it as it was.
	Guard  Slot
	Unless bool
	// Tolerate lists errnos that are no failure here, four at most.
	Tolerate []syscall.Errno
	// Want is the value the result must have.
	Want Want
	// Step says what the op is for, in the words of config.json:
	// "mount proc → /proc".
	Step string
	// Fault, if set, replaces the op in the error of a failed create; for texts
	// that programs look for. With a final colon the errno is appended.
	Fault string
}

// Call is a system call: its name and its number on this architecture.
type Call struct {
	Name string
	NR   uintptr
}

// WantKind says how Want is checked.
type WantKind uint8

const (
	// WantAny accepts every result that is not an error.
	WantAny WantKind = iota
	// WantResult compares the result with Value.
	WantResult
	// WantByte compares the first byte of the op's Out buffer with Value.
	WantByte
	// WantError demands that the call fails with the errno Value.
	WantError
)

// Want is the expectation of an op.
type Want struct {
	Kind  WantKind
	Value int
	// Errno is what the child reports when the expectation does not hold.
	Errno syscall.Errno
}

// To keeps the result in slot s.
func (o Op) To(s Slot) Op { o.Into = s; return o }

// If runs the op only if the call that filled s succeeded.
func (o Op) If(s Slot) Op { o.Guard, o.Unless = s, false; return o }

// IfNot runs the op only if the call that filled s failed.
func (o Op) IfNot(s Slot) Op { o.Guard, o.Unless = s, true; return o }

// Or tolerates the errnos, four at most in all.
func (o Op) Or(errs ...syscall.Errno) Op {
	o.Tolerate = append(o.Tolerate[:len(o.Tolerate):len(o.Tolerate)], errs...)
	return o
}

// Expect demands the result n, or reports errno.
func (o Op) Expect(n int, errno syscall.Errno) Op {
	o.Want = Want{WantResult, n, errno}
	return o
}

// ExpectByte demands that the op's Out buffer begins with c, or reports errno.
func (o Op) ExpectByte(c byte, errno syscall.Errno) Op {
	o.Want = Want{WantByte, int(c), errno}
	return o
}

// ExpectError demands that the call fails with fail, or reports errno.
func (o Op) ExpectError(fail, errno syscall.Errno) Op {
	o.Want = Want{WantError, int(fail), errno}
	return o
}

// For sets the step, overriding the builder's.
func (o Op) For(step string) Op { o.Step = step; return o }

// Saying sets Fault.
func (o Op) Saying(fault string) Op { o.Fault = fault; return o }
