package plan

// The wire between plan and child: an op is OpWords 64-bit words, a slot is
// one. The words of an op, by index:
const (
	WordNR       = 0  // system call number
	WordKind     = 1  // Kind
	WordInto     = 2  // slot + 1, 0 for none
	WordGuard    = 3  // slot + 1, 0 for none
	WordUnless   = 4  // 1: run if the guard failed
	WordTolerate = 5  // four errnos of 16 bits
	WordWant     = 6  // WantKind
	WordValue    = 7  // Want.Value
	WordErrno    = 8  // Want.Errno
	WordOut      = 9  // offset of the Out buffer in the image
	WordArgs     = 10 // bit i: argument i is a slot, not a value
	WordRetry    = 11 // how often EAGAIN is tried again
	WordArg0     = 12 // six arguments
	OpWords      = 18
	OpBytes      = OpWords * 8
)

// agains is how often openat2 is repeated: it answers EAGAIN when a rename
// raced with it, and 128 tries leave 0.1 % under the worst load.
const agains = 1024

// Image is an encoded plan: ops first, then the data they point to.
type Image struct {
	Bytes []byte
	Ops   int
	// relocs are the offsets of the words that hold an offset into Bytes.
	relocs []int
}

// Encode lays the plan out for the child. inputs holds the values of the
// input slots, by slot.
func (p *Plan) Encode(inputs []int64) *Image {
	e := encoder{image: Image{Ops: len(p.Ops)}, inputs: inputs}
	e.image.Bytes = make([]byte, len(p.Ops)*OpBytes, len(p.Ops)*OpBytes+p.dataSize())
	e.image.relocs = make([]int, 0, 2*len(p.Ops))
	for i := range p.Ops {
		e.op(i*OpBytes, &p.Ops[i])
	}
	return &e.image
}

// Relocate makes the addresses absolute for an image that begins at base.
func (m *Image) Relocate(base uintptr) {
	for _, at := range m.relocs {
		m.put(at, m.get(at)+uint64(base))
	}
	m.relocs = nil
}

func (m *Image) put(at int, v uint64) {
	b := m.Bytes[at : at+8 : at+8]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	b[4], b[5], b[6], b[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

func (m *Image) get(at int) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(m.Bytes[at+i])
	}
	return v
}

func (p *Plan) dataSize() (n int) {
	for i := range p.Ops {
		for j := range p.Ops[i].Args {
			a := &p.Ops[i].Args[j]
			n += len(a.Text) + len(a.Data) + 24
			for _, s := range a.List {
				n += len(s) + 9
			}
			if a.Kind == Out {
				n += int(a.N)
			}
		}
	}
	return n
}

type encoder struct {
	image  Image
	inputs []int64
}

func (e *encoder) op(at int, o *Op) {
	w := func(word int, v uint64) { e.image.put(at+word*8, v) }
	w(WordNR, uint64(o.Call.NR))
	w(WordKind, uint64(o.Kind))
	w(WordInto, uint64(o.Into+1))
	w(WordGuard, uint64(o.Guard+1))
	if o.Unless {
		w(WordUnless, 1)
	}
	tolerate := uint64(0)
	for i, t := range o.Tolerate {
		tolerate |= uint64(t) << (16 * i)
	}
	w(WordTolerate, tolerate)
	w(WordWant, uint64(o.Want.Kind))
	w(WordValue, uint64(o.Want.Value))
	w(WordErrno, uint64(o.Want.Errno))
	if o.Call == sysOpenat2 {
		w(WordRetry, agains)
	}
	slots := uint64(0)
	for i := range o.Args {
		a := &o.Args[i]
		switch a.Kind {
		case Num, Oct, Bits:
			w(WordArg0+i, a.N)
		case FromSlot:
			slots |= 1 << i
			w(WordArg0+i, a.N)
		default:
			where := at + (WordArg0+i)*8
			e.point(where, e.data(a))
			if a.Kind == Out {
				w(WordOut, e.image.get(where))
			}
		}
	}
	w(WordArgs, slots)
}

// point makes the word at hold the address of offset.
func (e *encoder) point(at, offset int) {
	e.image.put(at, uint64(offset))
	e.image.relocs = append(e.image.relocs, at)
}

// data appends what a points to and returns its offset.
func (e *encoder) data(a *Arg) int {
	switch a.Kind {
	case Str:
		return e.str(a.Text)
	case Strs:
		offsets := make([]int, len(a.List))
		for i, s := range a.List {
			offsets[i] = e.str(s)
		}
		at := e.room((len(offsets) + 1) * 8)
		for i, o := range offsets {
			e.point(at+i*8, o)
		}
		return at
	case Out:
		return e.room(int(a.N))
	case Fprog:
		filter := e.bytes(a.Data)
		at := e.room(16)
		e.image.put(at, a.N)
		e.point(at+8, filter)
		return at
	}
	at := e.bytes(a.Data)
	if a.Patch != nil {
		e.image.put(at+a.Patch.Offset, uint64(e.inputs[a.Patch.Slot]))
	}
	return at
}

func (e *encoder) str(s string) int {
	at := len(e.image.Bytes)
	e.image.Bytes = append(append(e.image.Bytes, s...), 0)
	return at
}

func (e *encoder) bytes(data []byte) int {
	at := e.room(len(data))
	copy(e.image.Bytes[at:], data)
	return at
}

// room appends n zero bytes at an aligned offset.
func (e *encoder) room(n int) int {
	for len(e.image.Bytes)%8 != 0 {
		e.image.Bytes = append(e.image.Bytes, 0)
	}
	at := len(e.image.Bytes)
	e.image.Bytes = append(e.image.Bytes, make([]byte, n)...)
	return at
}
