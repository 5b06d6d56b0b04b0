package plan

// ArgKind is how an argument gets its value and how it is printed.
type ArgKind uint8

const (
	// Num is a plain number, printed in decimal (Oct: in octal).
	Num ArgKind = iota
	// Oct is a file mode.
	Oct
	// Bits is a number printed as names of a flag set.
	Bits
	// FromSlot is the value of a slot at the time of the call.
	FromSlot
	// Str points to a NUL-terminated string.
	Str
	// Strs points to a NULL-terminated array of strings (argv, envp).
	Strs
	// Buf points to bytes: structures and data to write.
	Buf
	// Out points to a buffer of N zero bytes that the kernel fills.
	Out
)

// Arg is one argument of a system call.
type Arg struct {
	Kind ArgKind
	// N is the number, the slot, or the size of an Out buffer.
	N uint64
	// Text is the string of Str, and how Buf is printed.
	Text string
	// List is the array of Strs.
	List []string
	// Data are the bytes of Buf.
	Data []byte
	// Patch says which input slot's value goes into Data, or nil.
	Patch *Patch
	// Set names the flags of Bits.
	Set *FlagSet
}

// Patch puts the value of an input slot into a structure, eight bytes,
// little-endian, when the plan is encoded: mount_attr.userns_fd.
type Patch struct {
	Slot   Slot
	Offset int
}

// N is a number.
func N(n int) Arg { return Arg{Kind: Num, N: uint64(n)} }

// Mode is a file mode.
func Mode(m uint32) Arg { return Arg{Kind: Oct, N: uint64(m)} }

// F is a set of flags.
func F(n uint64, set *FlagSet) Arg { return Arg{Kind: Bits, N: n, Set: set} }

// V is the value of a slot.
func V(s Slot) Arg { return Arg{Kind: FromSlot, N: uint64(s)} }

// S is a string.
func S(s string) Arg { return Arg{Kind: Str, Text: s} }

// L is an array of strings.
func L(list []string) Arg { return Arg{Kind: Strs, List: list} }

// B is a buffer with contents; text is how it is printed (empty: quoted).
func B(data []byte, text string) Arg { return Arg{Kind: Buf, Data: data, Text: text} }

// O is a buffer of n bytes that the kernel fills.
func O(n int) Arg { return Arg{Kind: Out, N: uint64(n)} }

// Cwd is AT_FDCWD.
func Cwd() Arg { return Arg{Kind: Bits, N: atFdcwd, Set: &atFd} }

const atFdcwd = ^uint64(99) // -100

// Le64 and Le32 append little-endian numbers; both architectures of rt are
// little-endian.
func Le64(b []byte, v uint64) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
}

// Le32 appends a 32-bit number.
func Le32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}
