package seccomp

// The classic BPF operations that compiled filters use (<linux/bpf_common.h>).
// The kernel can foresee the result of such a filter for a call whose arguments
// it does not read, and then skips it at run time (since Linux 5.11).
const (
	opLoad = 0x20 // A = seccomp_data[K]
	opAnd  = 0x54 // A &= K
	opJA   = 0x05 // skip K
	opJEQ  = 0x15
	opJGT  = 0x25
	opJGE  = 0x35
	opRet  = 0x06 // return K
)

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// reach is how far a conditional jump may go here: 255, less what a pair of
// trampolines can add.
const reach = 253

// emitter writes a program from its last instruction to its first, so that
// every jump's target is there before the jump. A place is an index of code; it
// never changes, and a smaller one runs later.
type emitter struct {
	code     []Insn
	outcomes []outcome
	rets     []int // the latest place of each distinct return
}

func (e *emitter) put(code uint16, k uint32) int {
	e.code = append(e.code, Insn{Code: code, K: k})
	return len(e.code) - 1
}

// overflow reports that the program can only be refused.
func (e *emitter) overflow() bool { return len(e.code) > MaxInsns }

// load emits a load that runs right before what was emitted last.
func (e *emitter) load(offset uint32) int { return e.put(opLoad, offset) }

// ret returns a place that returns action, a near one if there is one.
func (e *emitter) ret(action uint32) int {
	for i, place := range e.rets {
		if e.code[place].K == action {
			if len(e.code)-place > reach {
				e.rets[i] = e.put(opRet, action)
			}
			return e.rets[i]
		}
	}
	place := e.put(opRet, action)
	e.rets = append(e.rets, place)
	return place
}

// near returns a place with the effect of target within reach of the next
// instruction: target, a copy of it if it is a return, or a trampoline.
func (e *emitter) near(target int) int {
	distance := len(e.code) - target - 1
	if distance <= reach {
		return target
	}
	if e.code[target].Code == opRet {
		return e.ret(e.code[target].K)
	}
	return e.put(opJA, uint32(distance))
}

// jump emits a comparison of A with k and a jump to either place.
func (e *emitter) jump(code uint16, k uint32, yes, no int) int {
	yes, no = e.near(yes), e.near(no)
	here := len(e.code)
	e.code = append(e.code, Insn{code, uint8(here - yes - 1), uint8(here - no - 1), k})
	return here
}

// tree emits a binary search for the span of the number in A.
func (e *emitter) tree(spans []span) int {
	if len(spans) == 1 || e.overflow() {
		return e.outcome(spans[0].outcome)
	}
	if len(spans) == 3 && spans[0].outcome == spans[2].outcome && spans[1].start+1 == spans[2].start {
		others := e.outcome(spans[0].outcome)
		return e.jump(opJEQ, spans[1].start, e.outcome(spans[1].outcome), others)
	}
	mid := middle(spans)
	upper := e.tree(spans[mid:])
	lower := e.tree(spans[:mid])
	return e.jump(opJGE, spans[mid].start, upper, lower)
}

// outcome returns the place that carries an outcome out.
func (e *emitter) outcome(i int) int {
	o := &e.outcomes[i]
	if o.rules == nil {
		return e.ret(o.action)
	}
	if o.code < 0 {
		next := e.ret(o.action)
		for i := len(o.rules) - 1; i >= 0 && !e.overflow(); i-- {
			next = e.rule(o.rules[i], o.wide, next)
		}
		o.code = next
	}
	return o.code
}

// rule emits a rule: its action if all conditions hold, else no.
func (e *emitter) rule(r rule, wide bool, no int) int {
	yes := e.ret(r.action)
	for i := len(r.conds) - 1; i >= 0; i-- {
		yes = e.cond(r.conds[i], wide, yes, no)
	}
	return yes
}

// cond emits one comparison. Words are little-endian on every host.
func (e *emitter) cond(c cond, wide bool, yes, no int) int {
	low := uint32(offArgs + 8*int(c.arg))
	lo, hi := uint32(c.value), uint32(c.value>>32)
	switch c.op {
	case opNE, opLT, opLE:
		yes, no = no, yes // not EQ, not GE, not GT
	}
	switch c.op {
	case opEQ, opNE, opMasked:
		place := e.masked(low, uint32(c.mask), lo, yes, no)
		if wide {
			place = e.masked(low+4, uint32(c.mask>>32), hi, place, no)
		}
		return place
	}
	compare := uint16(opJGT)
	if c.op == opGE || c.op == opLT {
		compare = opJGE
	}
	e.jump(compare, lo, yes, no)
	place := e.load(low)
	if !wide {
		return place
	}
	if hi == 0 { // another high word can only be greater
		e.jump(opJEQ, hi, place, yes)
	} else {
		e.jump(opJGT, hi, yes, e.jump(opJEQ, hi, place, no))
	}
	return e.load(low + 4)
}

// masked emits the comparison of one masked word for equality.
func (e *emitter) masked(offset, mask, value uint32, yes, no int) int {
	if mask == 0 {
		return yes
	}
	e.jump(opJEQ, value, yes, no)
	if mask != 0xffffffff {
		e.put(opAnd, mask)
	}
	return e.load(offset)
}

// middle returns where to cut spans in two so that either side has about half
// of the system calls: long runs, which are most of them, are found early.
func middle(spans []span) int {
	sum := 0
	for i := range spans {
		sum += weight(spans, i)
	}
	left := 0
	for i := range spans[:len(spans)-1] {
		w := weight(spans, i)
		if left+w/2 >= sum/2 {
			return max(i, 1)
		}
		left += w
	}
	return len(spans) - 1
}

// weight grows with a span's number of calls; it is least for the wide spans
// between the ABIs, whose numbers no call has, and for the last one, whose end
// is not known here.
func weight(spans []span, i int) int {
	if i+1 == len(spans) {
		return 1
	}
	if width := spans[i+1].start - spans[i].start; width < 600 {
		return 1 + int(width)
	}
	return 1
}
