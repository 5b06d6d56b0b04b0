package seccomp

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func errnoRet(v uint) *uint { return &v }

// largeProfiles are within the size of a config.json and meant to hurt.
func largeProfiles() map[string]*specs.LinuxSeccomp {
	many := func(make func(i int) specs.LinuxSyscall) *specs.LinuxSeccomp {
		p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: hostArches(amd64)}
		for i := range 100_000 {
			p.Syscalls = append(p.Syscalls, make(i))
		}
		return p
	}
	arg := func(i uint, v int) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: i, Value: uint64(v), Op: specs.OpEqualTo}
	}
	rule := func(name string, act specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{name}, Action: act, Args: args}
	}
	return map[string]*specs.LinuxSeccomp{
		"one call again and again": many(func(i int) specs.LinuxSyscall { return rule("read", specs.ActAllow) }),
		"one rule again and again": many(func(i int) specs.LinuxSyscall { return rule("read", specs.ActAllow, arg(0, 1)) }),
		"unknown names":            many(func(i int) specs.LinuxSyscall { return rule("zzz", specs.ActAllow) }),
		"one call, many values":    many(func(i int) specs.LinuxSyscall { return rule("read", specs.ActAllow, arg(0, i)) }),
		"two actions": many(func(i int) specs.LinuxSyscall {
			return rule("read", []specs.LinuxSeccompAction{specs.ActAllow, specs.ActLog}[i%2], arg(0, i), arg(1, i), arg(5, i))
		}),
		"all calls, some values": many(func(i int) specs.LinuxSyscall {
			return rule(syscalls[i%len(syscalls)].name, specs.ActAllow, arg(uint(i%6), i/1000))
		}),
	}
}

func TestOff(t *testing.T) {
	for _, p := range []*specs.LinuxSeccomp{nil, {}, {Architectures: hostArches(amd64)}} {
		if prog, err := Compile(p, amd64); prog != nil || err != nil {
			t.Errorf("%+v: got %v, %v", p, prog, err)
		}
	}
	// As runc: this filter still keeps foreign ABIs out.
	prog, err := Compile(&specs.LinuxSeccomp{DefaultAction: specs.ActAllow}, amd64)
	if err != nil || prog == nil {
		t.Fatal(prog, err)
	}
	for d, want := range map[Data]uint32{
		{Arch: auditX8664}:                 retAllow,
		{Arch: auditX8664, Nr: 9999}:       retAllow,
		{Arch: auditX8664, Nr: x32Bit}:     retKillThread,
		{Arch: auditX8664, Nr: 0xffffffff}: retAllow,
		{Arch: auditI386}:                  retKillThread,
	} {
		if got, _, err := Eval(prog.Insns, d); got != want || err != nil {
			t.Errorf("%+v: got %#x, %v, want %#x", d, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	rule := func(act specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{"ioctl"}, Action: act, Args: args}
	}
	eq := func(i uint, v uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: i, Value: v, Op: specs.OpEqualTo}
	}
	old := Host{Arch: "amd64", Actions: ParseActions("kill_thread trap errno allow\n")}
	for want, c := range map[string]struct {
		p specs.LinuxSeccomp
		h Host
	}{
		`seccomp: default unknown action "SCMP_ACT_NO"`:                  {specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_NO"}, amd64},
		`seccomp: default unknown action ""`:                             {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog)}}, amd64},
		`seccomp: SCMP_ACT_NOTIFY cannot be the default`:                 {specs.LinuxSeccomp{DefaultAction: specs.ActNotify, ListenerPath: "/a"}, amd64},
		`seccomp: syscalls[1]: unknown action "x"`:                       {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog), rule("x")}}, amd64},
		`seccomp: syscalls[0]: args[1]: unknown operator "x"`:            {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog, eq(0, 0), specs.LinuxSeccompArg{Op: "x"})}}, amd64},
		`seccomp: syscalls[0]: args[0]: index 6 is above 5`:              {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog, eq(6, 0))}}, amd64},
		`seccomp: syscalls[0]: a system call's name is empty`:            {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{{Names: []string{""}, Action: specs.ActLog}}}, amd64},
		`seccomp: syscalls[0]: errno 65536 of action`:                    {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{{Action: specs.ActErrno, ErrnoRet: errnoRet(65536)}}}, amd64},
		`seccomp: unknown flag "x"`:                                      {specs.LinuxSeccomp{Flags: []specs.LinuxSeccompFlag{"x"}}, amd64},
		`seccomp: flag SECCOMP_FILTER_FLAG_LOG: not supported`:           {specs.LinuxSeccomp{Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}}, old},
		`seccomp: flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs`:     {specs.LinuxSeccomp{Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}}, amd64},
		`seccomp: unknown architecture "SCMP_ARCH_VAX"`:                  {specs.LinuxSeccomp{Architectures: []specs.Arch{"SCMP_ARCH_VAX"}}, amd64},
		`seccomp: host architecture "vax"`:                               {specs.LinuxSeccomp{}, Host{Arch: "vax"}},
		`seccomp: syscalls[0]: action SCMP_ACT_LOG: not supp`:            {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog)}}, old},
		`seccomp: SCMP_ACT_NOTIFY needs listenerPath`:                    {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify)}}, amd64},
		`seccomp: action SCMP_ACT_NOTIFY: not supported`:                 {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify)}}, Host{Arch: "amd64"}},
		`seccomp: syscalls[0]: SCMP_ACT_NOTIFY cannot be used for write`: {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{{Names: []string{"write"}, Action: specs.ActNotify}}}, amd64},
		`seccomp: ioctl: two rules have the same conditions`:             {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog, eq(1, 1)), rule(specs.ActTrap, eq(1, 1))}}, amd64},
		`seccomp: ioctl: a rule hides an earlier one`:                    {specs.LinuxSeccomp{Syscalls: []specs.LinuxSyscall{rule(specs.ActLog, eq(1, 1), eq(2, 2)), rule(specs.ActTrap, eq(1, 1))}}, amd64},
		`seccomp: filter is longer than 4096 instructions`:               {*largeProfiles()["one call, many values"], amd64},
	} {
		if c.p.DefaultAction == "" && !strings.Contains(want, `default unknown action ""`) {
			c.p.DefaultAction = specs.ActErrno
		}
		if c.p.Flags == nil {
			c.p.Flags = []specs.LinuxSeccompFlag{}
		}
		if _, err := Compile(&c.p, c.h); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		} else if strings.Contains(want, "not supp") && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v is not ErrUnsupported", err)
		}
	}
}

// TestLongerRuleLater: a rule that an earlier, shorter one hides is of no
// effect, while the other order is refused (TestRefused).
func TestLongerRuleLater(t *testing.T) {
	one := specs.LinuxSeccompArg{Index: 1, Value: 1, Op: specs.OpEqualTo}
	two := specs.LinuxSeccompArg{Index: 2, Value: 2, Op: specs.OpEqualTo}
	prog, err := Compile(&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"ioctl"}, Action: specs.ActTrap, Args: []specs.LinuxSeccompArg{one}},
		{Names: []string{"ioctl"}, Action: specs.ActLog, Args: []specs.LinuxSeccompArg{one, two}},
	}}, amd64)
	if err != nil {
		t.Fatal(err)
	}
	d := Data{Nr: uint32(lookup("ioctl").nr[abiX8664]), Arch: auditX8664, Args: [6]uint64{0, 1, 2}}
	if got, _ := eval(prog.Insns, &d); got != retTrap {
		t.Errorf("got %#x", got)
	}
}

func TestFlags(t *testing.T) {
	notify := []specs.LinuxSyscall{{Names: []string{"no_such_call"}, Action: specs.ActNotify}}
	for _, c := range []struct {
		flags    []specs.LinuxSeccompFlag
		syscalls []specs.LinuxSyscall
		h        Host
		want     uint32
	}{
		{nil, nil, amd64, FlagSpecAllow},
		{nil, nil, Host{Arch: "amd64"}, 0},
		{[]specs.LinuxSeccompFlag{}, nil, amd64, 0},
		{[]specs.LinuxSeccompFlag{"SECCOMP_FILTER_FLAG_TSYNC"}, nil, Host{Arch: "amd64"}, 0},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow}, nil, amd64, FlagLog | FlagSpecAllow},
		{nil, notify, amd64, FlagSpecAllow | FlagNewListener},
		{[]specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, notify, amd64, FlagWaitKillableRecv | FlagNewListener},
	} {
		p := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Flags: c.flags, Syscalls: c.syscalls, ListenerPath: "/agent", ListenerMetadata: "m"}
		prog, err := Compile(p, c.h)
		if err != nil {
			t.Fatal(err)
		}
		if prog.Flags != c.want || prog.Notify != (c.syscalls != nil) || (prog.ListenerPath == "/agent") != prog.Notify || (prog.ListenerMetadata == "m") != prog.Notify {
			t.Errorf("%v: got %#x %+v, want %#x", c.flags, prog.Flags, prog.Notify, c.want)
		}
	}
}

func TestKnownWords(t *testing.T) {
	for _, list := range [][]string{KnownActions(), KnownArchs(), KnownOperators()} {
		if len(list) == 0 || !slices.IsSorted(list) {
			t.Errorf("not sorted: %v", list)
		}
	}
	if got := SupportedFlags(Host{SupportedFlags: FlagLog}); !slices.Equal(got, []string{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"}) {
		t.Errorf("SupportedFlags: %v", got)
	}
	if len(KnownFlags()) != 4 {
		t.Errorf("KnownFlags: %v", KnownFlags())
	}
	if !slices.IsSortedFunc(syscalls[:], func(a, b syscallRow) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the table is not sorted")
	}
	for i := range syscalls {
		if lookup(syscalls[i].name) != &syscalls[i] {
			t.Errorf("lookup does not find %s", syscalls[i].name)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(uint64(1), false, uint8(7))
	f.Add(uint64(2), true, uint8(1))
	f.Add(uint64(77), true, uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, mixed bool, ops uint8) {
		is := shape{mixed: mixed, ops: poolOps[:1+int(ops)%len(poolOps)]}
		for _, h := range []Host{amd64, arm64} {
			p := randomProfile(seeded(seed), h, is)
			prog, err := Compile(p, h)
			if err != nil {
				continue
			}
			if err := Check(prog.Insns); err != nil {
				t.Fatal(err)
			}
			again, err := Parse(prog.Marshal())
			if err != nil || !slices.Equal(again.Insns, prog.Insns) {
				t.Fatalf("does not survive storing: %v", err)
			}
			r := seeded(seed)
			for range 200 {
				d := Data{Nr: r.Uint32N(600), Arch: auditArches()[r.IntN(4)], Args: [6]uint64{r.Uint64N(50), r.Uint64()}}
				if got, _ := eval(prog.Insns, &d); !slices.Contains(naive(p, h, d), got) {
					t.Fatalf("%+v: got %#x, want one of %#x", d, got, naive(p, h, d))
				}
			}
		}
	})
}

func FuzzCompileWords(f *testing.F) {
	f.Add("SCMP_ACT_ERRNO", uint(1), "SCMP_ARCH_X86", "SECCOMP_FILTER_FLAG_LOG", "clone", "SCMP_ACT_ALLOW", uint(0), uint64(1), uint64(2), "SCMP_CMP_MASKED_EQ")
	f.Add("", uint(0), "", "", "", "", uint(6), uint64(0), uint64(0), "")
	f.Fuzz(func(t *testing.T, def string, errno uint, arch, flag, name, act string, index uint, v, v2 uint64, op string) {
		arg := specs.LinuxSeccompArg{Index: index, Value: v, ValueTwo: v2, Op: specs.LinuxSeccompOperator(op)}
		p := &specs.LinuxSeccomp{
			DefaultAction: specs.LinuxSeccompAction(def), DefaultErrnoRet: &errno,
			Architectures: []specs.Arch{specs.Arch(arch)}, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlag(flag)},
			Syscalls: []specs.LinuxSyscall{{Names: []string{name}, Action: specs.LinuxSeccompAction(act), Args: []specs.LinuxSeccompArg{arg}}},
		}
		Key(p, amd64)
		if prog, err := Compile(p, amd64); err == nil && prog != nil {
			if err := Check(prog.Insns); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPrecedence: which of two rules decides when both match does not depend
// on which one the profile names first.
func TestPrecedence(t *testing.T) {
	precedence(t, func(prof *specs.LinuxSeccomp) ([]Insn, error) {
		prog, err := Compile(prof, amd64)
		if err != nil {
			return nil, err
		}
		return prog.Insns, nil
	})
}

func TestPrecedenceOfLibseccomp(t *testing.T) {
	p := newPeer(t)
	precedence(t, func(prof *specs.LinuxSeccomp) ([]Insn, error) {
		return p.compile(t, prof, amd64), nil
	})
}

func precedence(t *testing.T, compile func(*specs.LinuxSeccomp) ([]Insn, error)) {
	t.Helper()
	arg := func(index uint, op specs.LinuxSeccompOperator, v uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: index, Op: op, Value: v}
	}
	for i, c := range []struct {
		wins, loses specs.LinuxSeccompArg
		args        [6]uint64 // match both
	}{
		{arg(0, specs.OpGreaterThan, 10), arg(0, specs.OpGreaterThan, 5), [6]uint64{20}},
		{arg(0, specs.OpGreaterEqual, 10), arg(0, specs.OpGreaterThan, 5), [6]uint64{10}},
		{arg(0, specs.OpLessThan, 5), arg(0, specs.OpLessThan, 10), [6]uint64{3}},
		{arg(0, specs.OpLessEqual, 5), arg(0, specs.OpLessThan, 10), [6]uint64{5}},
		{arg(0, specs.OpLessThan, 10), arg(0, specs.OpGreaterThan, 5), [6]uint64{7}},
		{arg(2, specs.OpEqualTo, 1), arg(1, specs.OpEqualTo, 1), [6]uint64{0, 1, 1}},
		{arg(2, specs.OpGreaterThan, 1), arg(1, specs.OpEqualTo, 1), [6]uint64{0, 1, 9}},
		{arg(0, specs.OpEqualTo, 7), arg(0, specs.OpLessThan, 9), [6]uint64{7}},
		{arg(0, specs.OpEqualTo, 7), arg(0, specs.OpGreaterThan, 5), [6]uint64{7}},
		{arg(0, specs.OpNotEqual, 9), arg(0, specs.OpNotEqual, 8), [6]uint64{7}},
	} {
		winner := specs.LinuxSyscall{Names: []string{"ioctl"}, Action: specs.ActTrap, Args: []specs.LinuxSeccompArg{c.wins}}
		loser := specs.LinuxSyscall{Names: []string{"ioctl"}, Action: specs.ActLog, Args: []specs.LinuxSeccompArg{c.loses}}
		for _, rules := range [][]specs.LinuxSyscall{{winner, loser}, {loser, winner}} {
			prof := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: rules, Architectures: hostArches(amd64)}
			prog, err := compile(prof)
			if err == nil {
				err = Check(prog)
			}
			if err != nil {
				t.Fatal(err)
			}
			for a, audit := range map[abi]uint32{abiX8664: auditX8664, abiX86: auditI386} {
				d := Data{Nr: uint32(lookup("ioctl").nr[a]), Arch: audit, Args: c.args}
				if got, _ := eval(prog, &d); got != retTrap {
					t.Errorf("case %d, ABI %d, %v first: got %#x", i, a, rules[0].Action, got)
				}
			}
		}
	}
}
