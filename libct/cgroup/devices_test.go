package cgroup

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// request is what a process asks of a device.
type request struct {
	kind         byte
	major, minor int64
	wanted       access
}

// naive reads the rules as config-linux.md does: in their order, each
// operation by itself.
func naive(rules []rule, q request) bool {
	for bit := mknod; bit <= writable; bit <<= 1 {
		allowed := false
		for _, r := range rules {
			if (r.kind == 'a' || r.kind == q.kind) && (r.major == anyNumber || r.major == q.major) &&
				(r.minor == anyNumber || r.minor == q.minor) && r.access&bit != 0 {
				allowed = r.allow
			}
		}
		if q.wanted&bit != 0 && !allowed {
			return false
		}
	}
	return true
}

// run interprets a program as the kernel does; it fails the test for an
// instruction that the kernel would refuse.
func run(t *testing.T, prog []insn, q request) bool {
	t.Helper()
	kinds := map[byte]uint32{'b': unix.BPF_DEVCG_DEV_BLOCK, 'c': unix.BPF_DEVCG_DEV_CHAR}
	ctx := map[int16]uint32{0: uint32(q.wanted)<<16 | kinds[q.kind], 4: uint32(q.major), 8: uint32(q.minor)}
	var regs [11]uint32
	for pc := 0; pc < len(prog); pc++ {
		in := prog[pc]
		dst, src := in.regs&0xf, in.regs>>4
		switch in.code {
		case opLoad32:
			regs[dst] = ctx[in.offset]
		case opMove:
			regs[dst] = regs[src]
		case opSet:
			regs[dst] = uint32(in.imm)
		case opAnd:
			regs[dst] &= uint32(in.imm)
		case opSubtract:
			regs[dst] -= regs[src]
		case opShift:
			regs[dst] >>= uint32(in.imm)
		case opUnequal:
			if regs[dst] != uint32(in.imm) {
				pc += int(in.offset)
			}
		case opEqual:
			if regs[dst] == uint32(in.imm) {
				pc += int(in.offset)
			}
		case opExit:
			return regs[regResult] == 1
		default:
			t.Fatalf("instruction %d: code %#x", pc, in.code)
		}
	}
	t.Fatal("fell off the end")
	return false
}

var numbers = []int64{0, 1, 5, 0x7fffffff, 0x80000000, 0xffffffff}

func randomRules(rnd *rand.Rand) []rule {
	rules := make([]rule, rnd.IntN(8))
	for i := range rules {
		pick := func() int64 {
			if rnd.IntN(3) == 0 {
				return anyNumber
			}
			return numbers[rnd.IntN(len(numbers))]
		}
		rules[i] = rule{rnd.IntN(2) == 0, "abc"[rnd.IntN(3)], pick(), pick(), access(1 + rnd.IntN(7))}
		if rnd.IntN(10) == 0 {
			rules[i] = rule{rnd.IntN(2) == 0, 'a', anyNumber, anyNumber, allAccess}
		}
	}
	return rules
}

func everyRequest(check func(request)) {
	for _, kind := range []byte("bc") {
		for _, major := range numbers {
			for _, minor := range numbers {
				for w := mknod; w <= allAccess; w++ {
					check(request{kind, major, minor, w})
				}
			}
		}
	}
}

func TestProgramDecidesAsTheRules(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		rules := randomRules(rnd)
		prog := compile(rules)
		everyRequest(func(q request) {
			if got, want := run(t, prog, q), naive(rules, q); got != want {
				t.Fatalf("%v: %+v: program says %v", rules, q, got)
			}
		})
	}
}

// kernelV1 is the state of the v1 controller (security/device_cgroup.c):
// exceptions are kept and removed by exact device.
type kernelV1 struct {
	allow      bool
	exceptions []rule
}

func (k *kernelV1) write(r rule) {
	if r.kind == 'a' {
		*k = kernelV1{allow: r.allow}
		return
	}
	for i := range k.exceptions {
		e := &k.exceptions[i]
		if e.kind == r.kind && e.major == r.major && e.minor == r.minor {
			if r.allow != k.allow {
				e.access |= r.access
			} else {
				e.access &^= r.access
			}
			return
		}
	}
	if r.allow != k.allow {
		k.exceptions = append(k.exceptions, r)
	}
}

func (k *kernelV1) decide(q request) bool {
	for _, e := range k.exceptions {
		if e.kind != q.kind || e.major != anyNumber && e.major != q.major || e.minor != anyNumber && e.minor != q.minor {
			continue
		}
		if k.allow && e.access&q.wanted != 0 || !k.allow && e.access&q.wanted == q.wanted {
			return !k.allow
		}
	}
	return k.allow
}

// TestPolicyDecidesAsTheRules: whenever v1 can express the rules, what is
// written to it means the same, from whatever state it comes.
func TestPolicyDecidesAsTheRules(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	reduced := 0
	for range 3000 {
		rules := randomRules(rnd)
		to, err := reduce(rules)
		if err != nil {
			continue
		}
		reduced++
		from, err := reduce(randomRules(rnd))
		if err != nil || from.allow {
			from = policy{allow: true}
		}
		k := kernelV1{from.allow, append([]rule(nil), from.exceptions...)}
		for _, r := range transition(from, to) {
			k.write(r)
		}
		everyRequest(func(q request) {
			got, want := k.decide(q), naive(rules, q)
			// The kernel looks for one exception that grants all that is
			// wanted; it may refuse what two grant together.
			single := q.wanted&(q.wanted-1) == 0
			if got != want && (single || got) {
				t.Fatalf("%v: %+v: from %+v by %v: %v", rules, q, from, transition(from, to), got)
			}
		})
	}
	if reduced < 500 {
		t.Errorf("only %d rule sets could be reduced", reduced)
	}
}

func TestTransitionIsMinimal(t *testing.T) {
	from, err := parseDevicesList("c 1:3 rwm\nc 1:5 rw\nb *:* m\n")
	if err != nil {
		t.Fatal(err)
	}
	to, err := reduce([]rule{{true, 'c', 1, 3, allAccess}, {true, 'c', 1, 5, readable}, {true, 'c', 5, 0, allAccess}, {true, 'b', anyNumber, anyNumber, mknod}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range transition(from, to) {
		word := "deny "
		if r.allow {
			word = "allow "
		}
		got = append(got, word+r.String())
	}
	if s := strings.Join(got, ", "); s != "allow c 5:0 rwm, deny c 1:5 w" {
		t.Errorf("transition: %s", s)
	}
}

func TestReduceRefusesHoles(t *testing.T) {
	_, err := reduce([]rule{{true, 'c', 1, anyNumber, allAccess}, {false, 'c', 1, 3, readable}})
	if err == nil || !strings.Contains(err.Error(), "c 1:3 r: cgroup v1 cannot take it out of the wildcard c 1:* rwm") {
		t.Errorf("%v", err)
	}
}

func TestDecode(t *testing.T) {
	for text, d := range map[string]specs.LinuxDeviceCgroup{
		"device access at 0 field cannot be empty": {Type: "c"},
		`invalid device type "p"`:                  {Type: "p", Access: "r"},
		`invalid device type "cc"`:                 {Type: "cc", Access: "r"},
		`invalid device access "rx"`:               {Access: "rx"},
		"invalid device number -2:-1":              {Access: "r", Major: ptr(int64(-2))},
		"invalid device number -1:4294967296":      {Access: "r", Minor: ptr(int64(1 << 32))},
	} {
		if _, err := decode([]specs.LinuxDeviceCgroup{d}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
	rules, err := decode([]specs.LinuxDeviceCgroup{{Access: "rwm"}})
	if err != nil || !rules[0].all() {
		t.Errorf("%v %v", rules, err)
	}
}

func TestDeviceRules(t *testing.T) {
	rules, err := decode(DeviceRules(&specs.Linux{
		Devices:   []specs.LinuxDevice{{Path: "/dev/null", Type: "c", Major: 9, Minor: 9}},
		Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}, {Allow: true, Type: "b", Major: ptr(int64(8)), Access: "r"}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		q    request
		want bool
	}{
		{request{'c', 1, 3, readable}, false}, // redefined, and not allowed anew
		{request{'c', 1, 3, mknod}, true},
		{request{'c', 1, 5, allAccess}, true},
		{request{'b', 8, 1, readable}, true},
		{request{'b', 8, 1, writable}, false},
		{request{'c', 136, 77, readable | writable}, true},
		{request{'c', 10, 229, readable}, false},
	} {
		if naive(rules, tt.q) != tt.want {
			t.Errorf("%+v: want %v", tt.q, tt.want)
		}
	}
	if n := len(DeviceRules(nil)); n != len(defaults) {
		t.Errorf("%d default rules", n)
	}
}
