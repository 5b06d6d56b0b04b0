package plan

import (
	"strconv"
	"strings"
	"syscall"
)

// OpError is the failure of one op in the child.
type OpError struct {
	// Index is the op's number, as the plan prints it.
	Index int
	// Step is what the op was for; Line is the op as the plan prints it.
	Step, Line string
	// Fault is the op's own text, if it has one.
	Fault string
	// Errno is the kernel's answer.
	Errno syscall.Errno
}

// Fail describes the failure of op index with errno.
func (p *Plan) Fail(index int, errno syscall.Errno) *OpError {
	if index < 0 || index >= len(p.Ops) {
		return &OpError{Index: index, Step: "start", Line: "clone3", Errno: errno}
	}
	o := &p.Ops[index]
	if errno == syscall.EINVAL && o.Call == sysMoveMount && strings.HasPrefix(o.Step, "mount ") {
		// A file on a directory, or a directory on a file: mount(2) answered
		// ENOTDIR, and managers look for that text.
		errno = syscall.ENOTDIR
	}
	return &OpError{Index: index, Step: o.Step, Line: p.Line(index), Fault: o.Fault, Errno: errno}
}

func (e *OpError) Error() string {
	switch {
	case strings.HasSuffix(e.Fault, ":"):
		return quoteControl(e.Fault) + " " + e.Errno.Error()
	case e.Fault != "":
		return quoteControl(e.Fault)
	}
	return quoteControl(e.Step) + ": " + e.Errno.Error() + " (" + e.Op() + ")"
}

// Op is the op with its number, as the plan prints it. It is part of the error's
// text, but for those that programs expect to be exact.
func (e *OpError) Op() string { return "op " + strconv.Itoa(e.Index) + " " + e.Line }

// Unwrap returns the errno.
func (e *OpError) Unwrap() error { return e.Errno }

// ErrnoName is the constant's name, or the number.
func ErrnoName(e syscall.Errno) string {
	switch e {
	case syscall.EPERM:
		return "EPERM"
	case syscall.ENOENT:
		return "ENOENT"
	case syscall.ESRCH:
		return "ESRCH"
	case syscall.EIO:
		return "EIO"
	case syscall.EBADF:
		return "EBADF"
	case syscall.EACCES:
		return "EACCES"
	case syscall.EBUSY:
		return "EBUSY"
	case syscall.EEXIST:
		return "EEXIST"
	case syscall.ENODEV:
		return "ENODEV"
	case syscall.ENOTDIR:
		return "ENOTDIR"
	case syscall.EISDIR:
		return "EISDIR"
	case syscall.EINVAL:
		return "EINVAL"
	case syscall.ENOTTY:
		return "ENOTTY"
	case syscall.EROFS:
		return "EROFS"
	case syscall.ENOSYS:
		return "ENOSYS"
	case syscall.ELOOP:
		return "ELOOP"
	case syscall.EOPNOTSUPP:
		return "EOPNOTSUPP"
	case syscall.EDQUOT:
		return "EDQUOT"
	case syscall.ENXIO:
		return "ENXIO"
	}
	return "errno " + strconv.Itoa(int(e))
}
