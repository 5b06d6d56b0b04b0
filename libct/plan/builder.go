package plan

import "syscall"

// Builder collects ops under the current step.
type Builder struct {
	plan  Plan
	step  string
	slots map[string]Slot
}

// usual is how many ops a common container takes at most; more are possible.
const usual = 400

// NewBuilder returns an empty builder.
func NewBuilder() *Builder {
	return &Builder{plan: Plan{Status: None, Ops: make([]Op, 0, usual)}, slots: map[string]Slot{}}
}

// Step names what the following ops are for.
func (b *Builder) Step(step string) { b.step = step }

// Slot returns the slot of that name; the same name is the same slot, so a
// passing descriptor reuses its place.
func (b *Builder) Slot(name string) Slot {
	if s, ok := b.slots[name]; ok {
		return s
	}
	s := Slot(len(b.plan.Slots))
	b.plan.Slots = append(b.plan.Slots, SlotInfo{Name: name})
	b.slots[name] = s
	return s
}

// Input returns a slot that the parent fills before the clone.
func (b *Builder) Input(name string) Slot {
	s := b.Slot(name)
	b.plan.Slots[s].Input = true
	return s
}

// Add appends ops.
func (b *Builder) Add(ops ...Op) {
	for _, o := range ops {
		if o.Step == "" {
			o.Step = b.step
		}
		b.plan.Ops = append(b.plan.Ops, o)
	}
}

// Len is the number of ops so far.
func (b *Builder) Len() int { return len(b.plan.Ops) }

// SetClone adds CLONE_NEW* flags to the first clone3.
func (b *Builder) SetClone(flags uint64) { b.plan.Clone |= flags }

// SetStatus names the slot of the status descriptor.
func (b *Builder) SetStatus(s Slot) { b.plan.Status = s }

// Plan returns what was built.
func (b *Builder) Plan() *Plan { return &b.plan }

// Barrier tells the parent that the child has come to the point named by c,
// and waits until the parent answers one byte. End of file means that the
// parent is gone: the child exits (ECANCELED).
func (b *Builder) Barrier(sync Slot, c byte, name string) {
	b.Add(
		op(sysWrite, V(sync), B([]byte{c}, ""), N(1)).Expect(1, syscall.ECANCELED).For("barrier "+name),
		op(sysRead, V(sync), O(1), N(1)).Expect(1, syscall.ECANCELED).For("barrier "+name),
	)
}

func op(call Call, args ...Arg) Op {
	return Op{Call: call, Args: args, Into: None, Guard: None}
}
