package seccomp

import (
	"fmt"
	"slices"
)

// span is a run of system call numbers, from start up to the next span's
// start, that all have the same outcome (an index of generator.outcomes).
type span struct {
	start   uint32
	outcome int
}

// outcome is what is left to do once the system call is known: try rules in
// order, else return action.
type outcome struct {
	rules  []rule
	wide   bool // compare 64-bit arguments
	action uint32
	code   int // where the emitter put it, -1 when it is not there yet
}

type generator struct {
	prof     *profile
	outcomes []outcome
	interned map[string]int // conditional outcomes by their content
}

// generate returns the whole program: it dispatches on the architecture, then
// searches the numbers. Calls from other architectures kill the thread, as
// libseccomp's SCMP_FLTATR_ACT_BADARCH.
func generate(p *profile, targets []target) ([]Insn, error) {
	g := &generator{prof: p, interned: make(map[string]int)}
	sections := make([][]span, len(targets))
	for i, t := range targets {
		spans, err := g.spans(t)
		if err != nil {
			return nil, err
		}
		sections[i] = spans
	}
	e := &emitter{outcomes: g.outcomes}
	next := e.ret(retKillThread)
	for i := len(targets) - 1; i >= 0; i-- {
		section := e.tree(sections[i])
		if len(sections[i]) > 1 { // else the number does not matter
			section = e.load(offNr)
		}
		next = e.jump(opJEQ, targets[i].audit, section, next)
	}
	e.load(offArch)
	if e.overflow() {
		return nil, ErrTooLong
	}
	slices.Reverse(e.code)
	return e.code, nil
}

// simple returns the index of an unconditional outcome.
func (g *generator) simple(action uint32) int {
	for i := range g.outcomes {
		if g.outcomes[i].rules == nil && g.outcomes[i].action == action {
			return i
		}
	}
	g.outcomes = append(g.outcomes, outcome{action: action, code: -1})
	return len(g.outcomes) - 1
}

// conditional returns the index of an outcome with rules; equal ones share
// their code. The masks in the key tell 32-bit comparisons from 64-bit ones
// wherever that makes a difference.
func (g *generator) conditional(rules []rule, wide bool) int {
	var key []byte
	for _, r := range rules {
		key = le32(append(key, byte(len(r.conds))), r.action)
		key = appendConds(key, r.conds)
	}
	if i, ok := g.interned[string(key)]; ok {
		return i
	}
	g.outcomes = append(g.outcomes, outcome{rules, wide, g.prof.action, -1})
	g.interned[string(key)] = len(g.outcomes) - 1
	return len(g.outcomes) - 1
}

// spans returns the outcomes of every number that arrives as one AUDIT_ARCH.
func (g *generator) spans(t target) ([]span, error) {
	var points []span
	for _, a := range t.abis {
		var err error
		if points, err = g.points(points, a); err != nil {
			return nil, err
		}
	}
	return overlay(g.background(t), points), nil
}

// points appends the outcomes of the single numbers that have rules, sorted.
func (g *generator) points(out []span, a abi) ([]span, error) {
	// Number and place in rules, packed so that sorting keeps the order.
	order := make([]uint64, 0, len(g.prof.calls)+32)
	rules := make([]rule, 0, len(g.prof.calls)+32)
	last := g.lastNamed(a)
	add := func(nr int32, r rule) {
		if last > 0 && uint32(nr) > last {
			return // see background: ENOSYS comes first
		}
		order = append(order, uint64(nr)<<32|uint64(len(rules)))
		rules = append(rules, rule{r.action, forABI(r.conds, a.wide())})
	}
	for _, c := range g.prof.calls {
		if a == abiX86 {
			if nr, selector, ok := mux(c.row.name); ok {
				add(nr, muxRule(c.rule, selector))
			}
		}
		if nr := c.row.nr[a]; nr >= 0 {
			add(nr, c.rule)
		}
	}
	slices.Sort(order)
	sorted := make([]rule, len(rules))
	for i, packed := range order {
		sorted[i] = rules[uint32(packed)]
	}
	for from, to := 0, 0; from < len(order); from = to {
		nr := uint32(order[from] >> 32)
		for to = from; to < len(order) && uint32(order[to]>>32) == nr; {
			to++
		}
		settled, err := settle(sorted[from:to])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(a, int32(nr)), err)
		}
		if len(settled[0].conds) == 0 {
			out = append(out, span{nr, g.simple(settled[0].action)})
		} else {
			out = append(out, span{nr, g.conditional(settled, a.wide())})
		}
	}
	return out, nil
}

// nameOf is for messages alone.
func nameOf(a abi, nr int32) string {
	for i := range syscalls {
		if syscalls[i].nr[a] == nr {
			return syscalls[i].name
		}
	}
	return fmt.Sprint("system call ", nr)
}

// background returns what happens to numbers without rules.
//
// Numbers above the largest one that the profile names for the ABI are newer
// than the profile: they get ENOSYS, so that callers fall back, unless the
// default action lets them through (runc's patchbpf). The x86 calls that
// socketcall and ipc serve do not count as named, and a largest number of 0
// (read on x86_64) is as none, both as runc; so is that this check comes before
// the rules.
//
// Without x32, x86_64 treats the numbers from x32Bit up as another
// architecture's, but for -1, by which a tracer says "skip this call".
func (g *generator) background(t target) []span {
	def := g.simple(g.prof.action)
	if t.audit != auditX8664 {
		if last := g.lastNamed(t.abis[0]); last > 0 {
			return []span{{0, def}, {last + 1, g.simple(retEnosys)}}
		}
		return []span{{0, def}}
	}
	last := g.lastNamed(abiX8664)
	unknown := def // bit 30 clear, but bit 31 set
	out := []span{{0, def}}
	if last > 0 {
		unknown = g.simple(retEnosys)
		out = append(out, span{last + 1, unknown})
	}
	if len(t.abis) == 2 { // with x32
		out = append(out, span{x32Bit, def})
		unknown32 := def
		if last32 := g.lastNamed(abiX32); last32 > 0 {
			unknown32 = g.simple(retEnosys)
			out = append(out, span{last32 + 1, unknown32})
		}
		return append(out, span{2 * x32Bit, unknown}, span{3 * x32Bit, unknown32})
	}
	kill := g.simple(retKillThread)
	if last == 0 {
		unknown = kill
	}
	return append(out, span{x32Bit, kill}, span{2 * x32Bit, unknown},
		span{3 * x32Bit, kill}, span{0xffffffff, def})
}

// lastNamed returns the largest number of the ABI that the profile names, 0
// when calls above it shall not get ENOSYS.
func (g *generator) lastNamed(a abi) uint32 {
	if permissive(g.prof.action) {
		return 0
	}
	last := int32(0)
	for _, row := range g.prof.named {
		if row.nr[a] > last {
			if a == abiX86 {
				if _, _, ok := mux(row.name); ok {
					continue
				}
			}
			last = row.nr[a]
		}
	}
	return uint32(last)
}

// overlay puts single numbers over the background and joins equal neighbours.
func overlay(background, points []span) []span {
	out := make([]span, 0, len(background)+2*len(points))
	put := func(start uint32, outcome int) {
		n := len(out)
		if n > 0 && out[n-1].start == start {
			out = out[:n-1]
			n--
		}
		if n == 0 || out[n-1].outcome != outcome {
			out = append(out, span{start, outcome})
		}
	}
	for i, b := range background {
		put(b.start, b.outcome)
		for len(points) > 0 && (i+1 == len(background) || points[0].start < background[i+1].start) {
			p := points[0]
			points = points[1:]
			put(p.start, p.outcome)
			put(p.start+1, b.outcome)
		}
	}
	return out
}
