package libct

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

// lateFile keeps what the ops after the start of a parked container would say
// when they fail: start has no plan to look them up in.
const lateFile = "late"

// lateOps lists the ops from the last barrier on, one a line: index, fault or
// step, and the op as the plan prints it, separated by NUL.
func lateOps(p *plan.Plan) []byte {
	first := len(p.Ops)
	for first > 0 && p.Ops[first-1].Call.Name != "close" {
		first--
	}
	var b strings.Builder
	for i := first; i < len(p.Ops); i++ {
		e := p.Fail(i, 0)
		fmt.Fprintf(&b, "%d\x00%s\x00%s\x00%s\n", i, e.Fault, e.Step, e.Line)
	}
	return []byte(b.String())
}

// lateError is the failure of one of these ops.
func lateError(ops string, index int, errno unix.Errno) error {
	for line := range strings.Lines(ops) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\x00", 4)
		if len(f) == 4 && f[0] == strconv.Itoa(index) {
			return &plan.OpError{Index: index, Fault: f[1], Step: f[2], Line: f[3], Errno: errno}
		}
	}
	return fmt.Errorf("op %d: %w", index, errno)
}
