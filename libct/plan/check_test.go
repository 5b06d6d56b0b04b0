package plan

import (
	"encoding/binary"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestCheck: each rule of a plan is noticed when it is broken.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		build func(b *Builder)
		want  string
	}{
		"right":        {func(b *Builder) { b.Add(Close(b.Input("a")), Execve("x", nil, nil), Execve("y", nil, nil)) }, ""},
		"unset":        {func(b *Builder) { b.Add(Close(b.Slot("a"))) }, "op 0 close: slot $a is not set"},
		"set later":    {func(b *Builder) { b.Add(Close(b.Slot("a")), Getcwd().To(b.Slot("a"))) }, "slot $a is not set"},
		"guard":        {func(b *Builder) { b.Add(Setsid().If(b.Slot("a"))) }, "slot $a is not set"},
		"no slot":      {func(b *Builder) { b.Add(Close(7)) }, "slot $?7 is not set"},
		"negative":     {func(b *Builder) { b.Add(Close(None)) }, "is not set"},
		"after execve": {func(b *Builder) { b.Add(Execve("x", nil, nil), Setsid()) }, "op 1 setsid: after execve"},
		"arguments":    {func(b *Builder) { o := Setsid(); o.Args = make([]Arg, 7); b.Add(o) }, "7 arguments"},
		"tolerated":    {func(b *Builder) { b.Add(Setsid().Or(1, 2, 3, 4, 5)) }, "5 tolerated"},
		"patch": {func(b *Builder) {
			b.Add(Getcwd().To(b.Slot("a")), MountSetattr(Cwd(), "", 0, 0, 0, 0, b.Slot("a")))
		}, "patched slot $a is no input"},
	} {
		b := NewBuilder()
		c.build(b)
		err := b.Plan().Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

// TestOrIsACopy: ops derived from one op do not share their errnos.
func TestOrIsACopy(t *testing.T) {
	base := Setsid().Or(syscall.EPERM)
	a, b := base.Or(syscall.EIO), base.Or(syscall.EBUSY)
	if a.Tolerate[1] != syscall.EIO || b.Tolerate[1] != syscall.EBUSY {
		t.Error(a.Tolerate, b.Tolerate)
	}
}

// TestEncode reads an image back: addresses lead to what they should.
func TestEncode(t *testing.T) {
	b := NewBuilder()
	ns, out := b.Input("ns"), b.Slot("out")
	b.Add(Openat2(Cwd(), "a path", 1, 2, 3).To(out).Or(1, 2, 3, 4), MountSetattr(Cwd(), "", 0, 0, 0, 0, ns), Read(ns, 5).IfNot(out),
		Execve("/x", []string{"one", "two"}, nil), Seccomp(0, []byte("12345678")))
	p := b.Plan()
	m := p.Encode([]int64{42, 0})
	if m.Ops != len(p.Ops) || len(m.Bytes) > len(p.Ops)*OpBytes+p.dataSize() {
		t.Fatalf("%d ops, %d bytes of %d expected", m.Ops, len(m.Bytes), p.dataSize())
	}
	word := func(at uint64) uint64 { return binary.LittleEndian.Uint64(m.Bytes[at:]) }
	arg := func(op, i int) uint64 { return word(uint64(op*OpBytes + (WordArg0+i)*8)) }
	str := func(at uint64) string { s, _, _ := strings.Cut(string(m.Bytes[at:]), "\x00"); return s }
	switch {
	case str(arg(0, 1)) != "a path":
		t.Errorf("path %q", str(arg(0, 1)))
	case word(arg(0, 2)) != 1 || word(arg(0, 2)+8) != 2 || word(arg(0, 2)+16) != 3:
		t.Error("struct open_how")
	case word(WordTolerate*8) != 4<<48|3<<32|2<<16|1:
		t.Errorf("errnos %#x", word(WordTolerate*8))
	case word(WordInto*8) != uint64(out)+1 || word(2*OpBytes+WordGuard*8) != uint64(out)+1 || word(2*OpBytes+WordUnless*8) != 1:
		t.Error("slots")
	case word(arg(1, 3)+24) != 42:
		t.Error("the input is not in mount_attr.userns_fd")
	case word(2*OpBytes+WordOut*8) != arg(2, 1):
		t.Error("the buffer of read")
	case str(word(arg(3, 1)+8)) != "two" || word(arg(3, 1)+16) != 0 || word(arg(3, 2)) != 0:
		t.Error("argv, envp")
	case word(arg(4, 2)) != 1 || str(word(arg(4, 2) + 8))[:8] != "12345678":
		t.Error("sock_fprog")
	}
	before := arg(0, 1)
	m.Relocate(1 << 40)
	if arg(0, 1) != before+1<<40 {
		t.Error("not relocated")
	}
	m.Relocate(1 << 40)
	if arg(0, 1) != before+1<<40 {
		t.Error("relocated twice")
	}
}

// TestNumbers compares the system call numbers of both architectures with
// those of x/sys/unix.
func TestNumbers(t *testing.T) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys")
	if me, err := user.Current(); err == nil && os.Getenv("HOME") == "" {
		cmd.Env = append(os.Environ(), "HOME="+me.HomeDir)
	}
	dir, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		theirs, err := os.ReadFile(strings.TrimSpace(string(dir)) + "/unix/zsysnum_linux_" + arch + ".go")
		if err != nil {
			t.Fatal(err)
		}
		ours, err := os.ReadFile("sys_" + arch + ".go")
		if err != nil {
			t.Fatal(err)
		}
		number := map[string]string{}
		for _, m := range regexp.MustCompile(`(?m)^\s+SYS_(\w+)\s+= (\d+)`).FindAllStringSubmatch(string(theirs), -1) {
			number[strings.ToLower(m[1])] = m[2]
		}
		calls := regexp.MustCompile(`Call\{"(\w+)", (\d+)\}`).FindAllStringSubmatch(string(ours), -1)
		for _, m := range calls {
			if n := number[m[1]]; n != m[2] && !(n == "" && newer[m[1]] == m[2]) {
				t.Errorf("%s %s: %s, not %q", arch, m[1], m[2], n)
			}
		}
		if len(calls) < 40 {
			t.Errorf("%s: %d calls only", arch, len(calls))
		}
	}
}

// newer calls may be unknown to x/sys/unix; on all architectures they have the
// same number.
var newer = map[string]string{"open_tree_attr": strconv.Itoa(467)}
