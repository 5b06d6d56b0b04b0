package plan

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"
)

// hostile are names that a config.json can hold.
var hostile = []string{
	"plain", "with space", `quote"back\slash`, "new\nline", "\x1b]0;title\a", "nul\x00byte", "\xff\xfe invalid", "\u2028\u202e",
	"é\uFFFD", "\x7f", strings.Repeat("long", 1000), strings.Repeat("é", 150), "", "# comment\n   7  execve(\"/bin/evil\")",
}

// everywhere is a plan that has s wherever a plan can have text.
func everywhere(s string) *Plan {
	b := NewBuilder()
	in, out := b.Input("in"), b.Slot("out")
	b.Step(s)
	b.Add(Openat(Cwd(), s, 0, 0).To(out).Or(syscall.ENOENT, 200), Openat2(V(in), s, 1<<40, 0o644, 0x18).If(out),
		FsconfigString(in, s, s).Saying(s+":"), Symlinkat(s, V(in), s).IfNot(out).Saying(s), Write(V(in), []byte(s)),
		IoprioSet(3, s), SchedSetattr([]byte(s), s), Getcwd().ExpectByte('/', syscall.ENOENT), Chdir(s).ExpectError(syscall.ENOENT, syscall.EIO),
		MountSetattr(V(in), s, 0, 1, 2, 1<<18, in), JoinSessionKeyring(s), Seccomp(0, make([]byte, 16)), Capset(1, 2, 3), Setgroups([]uint32{1, 2}))
	b.Barrier(in, 'x', s)
	b.Add(Execve(s, []string{s, s}, make([]string, 20)))
	return b.Plan()
}

// harmless reports whether a text is one line that a terminal can show.
func harmless(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u202e' || r == '\u2028' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// TestPrintHostile: no name writes a line or a terminal sequence of its own.
func TestPrintHostile(t *testing.T) {
	lines := strings.Count(everywhere("plain").String(), "\n")
	for _, s := range hostile {
		p := everywhere(s)
		text := p.String()
		if got := strings.Count(text, "\n"); got > lines {
			t.Errorf("%q: %d lines, not %d:\n%s", s, got, lines, text)
		}
		for line := range strings.Lines(text) {
			if !harmless(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%q: %q", s, line)
			}
		}
		for i := range p.Ops {
			if line := p.Line(i); !harmless(line) || len(line) > 5000 {
				t.Errorf("%q: %q", s, line)
			}
			if e := p.Fail(i, syscall.EIO).Error(); !harmless(e) {
				t.Errorf("%q: error %q", s, e)
			}
		}
	}
}

// TestPrintPlain: what is harmless is printed as it is.
func TestPrintPlain(t *testing.T) {
	if text := everywhere(`exec: "é"`).String(); !strings.Contains(text, "\n# exec: \"é\"\n") {
		t.Error(text)
	}
}

// TestJSON: the plan in JSON says the same, whatever the names are.
func TestJSON(t *testing.T) {
	for _, s := range hostile {
		p := everywhere(s)
		var v struct {
			Clone string
			Ops   []struct {
				Op               int
				Step, Call, Line string
				Into, If, Unless string
				Args, Tolerate   []string
				Want             *int
			}
		}
		text := p.JSON()
		if err := json.Unmarshal(text, &v); err != nil || !utf8.Valid(text) {
			t.Fatalf("%q: %v in\n%s", s, err, text)
		}
		if len(v.Ops) != len(p.Ops) {
			t.Fatalf("%q: %d ops", s, len(v.Ops))
		}
		for i, o := range v.Ops {
			if o.Op != i || o.Call != p.Ops[i].Call.Name || len(o.Args) != len(p.Ops[i].Args) || o.Line != p.Line(i) {
				t.Errorf("%q: op %d: %+v", s, i, o)
			}
			if want := strings.ToValidUTF8(p.Ops[i].Step, "\uFFFD"); utf8.ValidString(s) && o.Step != want {
				t.Errorf("%q: step %q", s, o.Step)
			}
		}
		if o := v.Ops[0]; o.Into != "$out" || len(o.Tolerate) != 2 || o.Tolerate[1] != "errno 200" || v.Ops[1].If != "$out" || v.Ops[3].Unless != "$out" || v.Ops[4].Want == nil {
			t.Errorf("%q: %+v", s, v.Ops[:5])
		}
	}
}

// TestErrorTexts: a failure says what was attempted and why it failed.
func TestErrorTexts(t *testing.T) {
	b := NewBuilder()
	b.Step("go away")
	b.Add(Chdir("/x"), Chdir("/x").Saying("cwd is gone:"), Chdir("/x").Saying("no such luck"))
	p := b.Plan()
	for i, want := range []string{
		`go away: input/output error (op 0 chdir("/x"))`, "cwd is gone: input/output error", "no such luck",
	} {
		if got := p.Fail(i, syscall.EIO).Error(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	for _, i := range []int{-1, 3} {
		if got := p.Fail(i, syscall.EIO).Error(); !strings.Contains(got, "op "+strconv.Itoa(i)+" clone3") {
			t.Error(got)
		}
	}
}
