package landlock

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func parse(t testing.TB, pairs ...string) *Rules {
	t.Helper()
	r, err := Parse(annotations(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func annotations(pairs ...string) map[string]string {
	a := map[string]string{"io.kubernetes.pod": "x"}
	for i := 0; i < len(pairs); i += 2 {
		a[Prefix+pairs[i]] = pairs[i+1]
	}
	return a
}

const write = WriteFile | Truncate | Refer | RemoveDir | RemoveFile | MakeChar | MakeDir | MakeReg | MakeSock | MakeFifo | MakeBlock | MakeSym

func TestParse(t *testing.T) {
	for _, c := range []struct {
		pairs []string
		want  *Rules
	}{
		{nil, nil},
		{[]string{"fs.read", "/"}, &Rules{HandledFS: ReadFile | ReadDir, Paths: []Path{{"/", ReadFile | ReadDir, false}}}},
		{[]string{"fs.write", ""}, &Rules{HandledFS: write}},
		{[]string{"fs.execute", "/bin:-/opt//x/./y/:", "fs.read", "/opt/x/y:/bin"}, &Rules{
			HandledFS: Execute | ReadFile | ReadDir,
			Paths:     []Path{{"/bin", Execute | ReadFile | ReadDir, false}, {"/opt/x/y", Execute | ReadFile | ReadDir, false}}}},
		{[]string{"fs.ioctl", `/a\:b:-/c\\d:/e/../f`}, &Rules{HandledFS: IoctlDev,
			Paths: []Path{{"/a:b", IoctlDev, false}, {`/c\d`, IoctlDev, true}, {"/e/../f", IoctlDev, false}}}},
		{[]string{"net.bind", "80,0,8000-8002", "net.connect", "8001,53"}, &Rules{HandledNet: BindTCP | ConnectTCP,
			Ports: []Port{{0, BindTCP}, {53, ConnectTCP}, {80, BindTCP}, {8000, BindTCP}, {8001, BindTCP | ConnectTCP}, {8002, BindTCP}}}},
		{[]string{"net.connect", "65535"}, &Rules{HandledNet: ConnectTCP, Ports: []Port{{65535, ConnectTCP}}}},
		{[]string{"scope", "signal,abstract_unix_socket", "abi", "6"}, &Rules{Scoped: Signal | AbstractUnixSocket, AtLeast: 6}},
	} {
		if have := parse(t, c.pairs...); !reflect.DeepEqual(have, c.want) {
			t.Errorf("%q:\n have %+v\n want %+v", c.pairs, have, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	many := strings.Repeat("/x:", maxRules+1)
	for _, c := range []struct{ name, value, want string }{
		{"fs.raed", "/", "is not an annotation of Landlock's"},
		{"", "", "is not an annotation of Landlock's"},
		{"fs.read", "bin", `"bin" is not an absolute path`},
		{"fs.read", "/a:--/b", `"-/b" is not an absolute path`},
		{"fs.read", "/a\x00b", "a path has a zero byte"},
		{"fs.read", `/a\`, "ends in a backslash"},
		{"fs.read", many, "more than 1024 paths"},
		{"net.bind", "65536", `"65536" is not a TCP port, nor a range of them`},
		{"net.bind", "-1", `"-1" is not a TCP port, nor a range of them`},
		{"net.bind", "2-1", `"2-1" is not a TCP port, nor a range of them`},
		{"net.bind", "http", `"http" is not a TCP port, nor a range of them`},
		{"net.bind", "0-65535", "more than 1024 ports"},
		{"net.connect", "1-600,2000-2600", "more than 1024 ports"},
		{"scope", "signals", `"signals" is neither signal nor abstract_unix_socket`},
		{"scope", "", "names no scope"},
		{"abi", "0", `"0" is not the number of an ABI`},
		{"abi", "new", `"new" is not the number of an ABI`},
		{"abi", "4", "restricts nothing without others of org.rt.landlock.*"},
	} {
		_, err := Parse(annotations(c.name, c.value))
		if want := fmt.Sprintf("annotations[%q]: %s", Prefix+c.name, c.want); err == nil || err.Error() != want {
			t.Errorf("%s=%.20q: %v, want %s", c.name, c.value, err, want)
		}
	}
}

// TestAt is the ladder: what is left of the same wishes on each ABI.
func TestAt(t *testing.T) {
	all := parse(t, "fs.read", "/", "fs.write", "/tmp", "fs.execute", "/bin", "fs.ioctl", "/dev/tty",
		"net.bind", "80", "net.connect", "443", "scope", "signal,abstract_unix_socket")
	const first = MakeSym<<1 - 1
	files := "files"
	truncate, ioctl, tcp, ipc := "truncation of files (ABI 3)", "ioctl of devices (ABI 5)", "TCP ports (ABI 4)", "signals and abstract sockets (ABI 6)"
	for _, c := range []struct {
		abi   int
		fs    FS
		net   Net
		scope Scope
		lost  []string
	}{
		{1, first, 0, 0, []string{truncate, ioctl, tcp, ipc}},
		{2, first | Refer, 0, 0, []string{truncate, ioctl, tcp, ipc}},
		{3, first | Refer | Truncate, 0, 0, []string{ioctl, tcp, ipc}},
		{4, first | Refer | Truncate, 3, 0, []string{ioctl, ipc}},
		{5, first | Refer | Truncate | IoctlDev, 3, 0, []string{ipc}},
		{6, first | Refer | Truncate | IoctlDev, 3, 3, nil},
		{7, first | Refer | Truncate | IoctlDev, 3, 3, nil},
		{99, first | Refer | Truncate | IoctlDev, 3, 3, nil},
	} {
		have, lost, err := all.At(c.abi)
		if err != nil || have.HandledFS != c.fs || have.HandledNet != c.net || have.Scoped != c.scope || !reflect.DeepEqual(lost, c.lost) {
			t.Errorf("ABI %d: %+v %q %v", c.abi, have, lost, err)
		}
	}
	have, lost, err := all.At(0)
	if have != nil || err != nil || !reflect.DeepEqual(lost, []string{files, tcp, ipc}) {
		t.Errorf("ABI 0: %+v %q %v", have, lost, err)
	}
}

// TestAtRules: on every ABI the kernel accepts each rule (its rights are handled,
// and there is one), no rule allows what was not asked for, and nothing that was
// not restricted becomes so, but for moves on ABI 1.
func TestAtRules(t *testing.T) {
	for mask := 1; mask < 1<<7; mask++ {
		var pairs []string
		for i, name := range []string{"fs.read", "fs.write", "fs.execute", "fs.ioctl", "net.bind", "net.connect", "scope"} {
			if mask>>i&1 == 1 {
				pairs = append(pairs, name, []string{"/a:/b", "/b", "/a", "/dev", "80,81", "81", "signal"}[i])
			}
		}
		r := parse(t, pairs...)
		for abi := range Newest + 3 {
			have, lost, err := r.At(abi)
			if err != nil {
				t.Fatal(err)
			}
			if have == nil {
				if len(lost) == 0 {
					t.Errorf("%q at %d: nothing is left and nothing lost", pairs, abi)
				}
				continue
			}
			if have.HandledFS&^(r.HandledFS|Refer) != 0 || have.HandledNet&^r.HandledNet != 0 || have.Scoped&^r.Scoped != 0 {
				t.Errorf("%q at %d restricts more: %+v", pairs, abi, have)
			}
			moves := r.HandledFS&Refer != 0 || have.HandledFS == 0 || abi < 2
			for _, p := range have.Paths {
				if p.Allowed == 0 || p.Allowed&^have.HandledFS != 0 {
					t.Errorf("%q at %d: rule %+v of %+v", pairs, abi, p, have)
				}
				moves = moves || p.Name == "/" && p.Allowed == Refer
			}
			for _, p := range have.Ports {
				if p.Allowed == 0 || p.Allowed&^have.HandledNet != 0 {
					t.Errorf("%q at %d: rule %+v of %+v", pairs, abi, p, have)
				}
			}
			if !moves {
				t.Errorf("%q at %d: files cannot be moved any more: %+v", pairs, abi, have)
			}
		}
	}
}

func TestAtLeast(t *testing.T) {
	r := parse(t, "net.bind", "", "abi", "4")
	for abi := range 8 {
		_, _, err := r.At(abi)
		var e *ABIError
		if bad := errors.As(err, &e); bad != (abi < 4) || bad && (e.Want != 4 || e.Have != abi) {
			t.Errorf("ABI %d: %v", abi, err)
		}
	}
	for have, want := range map[int]string{
		3: `annotations["org.rt.landlock.abi"]: ABI 4 of Landlock is asked for, this kernel has 3`,
		0: `annotations["org.rt.landlock.abi"]: ABI 4 of Landlock is asked for, and it is not enabled in this kernel`,
	} {
		if _, _, err := r.At(have); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAnnotationsAreAllRead(t *testing.T) {
	for _, name := range Annotations() {
		value := map[string]string{annotABI: "1", annotScope: "signal"}[strings.TrimPrefix(name, Prefix)]
		if _, err := Parse(map[string]string{name: value, Prefix + "fs.read": "/"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("fs.read", `/a:-/b\:c`)
	f.Add("net.bind", "1-3,9")
	f.Add("scope", "signal")
	f.Fuzz(func(t *testing.T, name, value string) {
		r, err := Parse(annotations(name, value))
		if (r == nil) != (err != nil) {
			t.Fatalf("%v, %v", r, err)
		}
		if r == nil {
			return
		}
		for i, p := range r.Paths {
			if p.Name[0] != '/' || strings.ContainsRune(p.Name, 0) || p.Allowed == 0 || i > 0 && r.Paths[i-1].Name >= p.Name {
				t.Fatalf("%+v", r.Paths)
			}
		}
		for i, p := range r.Ports {
			if p.Allowed == 0 || i > 0 && r.Ports[i-1].Number >= p.Number {
				t.Fatalf("%+v", r.Ports)
			}
		}
	})
}
