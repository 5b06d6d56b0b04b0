package spec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(path string) error
		want string // what the error contains; none if empty
	}{
		{"good", func(p string) error { return os.WriteFile(p, []byte(base+"}\n"), 0o600) }, ""},
		{"symlink", func(p string) error {
			target := filepath.Join(filepath.Dir(p), "other.json")
			return errors.Join(os.WriteFile(target, []byte(base+"}"), 0o600), os.Symlink(target, p))
		}, ""},
		{"missing", func(string) error { return nil }, "not found"},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "not a regular file"},
		{"fifo", func(p string) error { return unix.Mkfifo(p, 0o600) }, "not a regular file"},
		{"device", func(p string) error { return os.Symlink("/dev/zero", p) }, "not a regular file"},
		{"empty", func(p string) error { return os.WriteFile(p, nil, 0o600) }, "unexpected end of text"},
		{"largest", func(p string) error {
			return os.WriteFile(p, []byte("{"+strings.Repeat(" ", MaxSize-2)+"}"), 0o600)
		}, ""},
		{"too large", func(p string) error {
			return os.WriteFile(p, []byte("{"+strings.Repeat(" ", MaxSize-1)+"}"), 0o600)
		}, "larger than 10485760 bytes"},
		{"sparse", func(p string) error {
			return errors.Join(os.WriteFile(p, nil, 0o600), os.Truncate(p, 1<<40))
		}, "larger than 10485760 bytes"},
		{"wrong", func(p string) error { return os.WriteFile(p, []byte(`{"root":[]}`), 0o600) },
			"config.json: root: want object, have array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bundle := t.TempDir()
			if err := c.make(filepath.Join(bundle, "config.json")); err != nil {
				t.Fatal(err)
			}
			s, err := Load(bundle)
			switch {
			case c.want == "" && (err != nil || s == nil):
				t.Errorf("have %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("have %v, want %s", err, c.want)
			}
		})
	}
}

// TestLoadUnsized reads a regular file that says it is empty and is not.
func TestLoadUnsized(t *testing.T) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := readRegular(int(f.Fd()))
	if err != nil || !strings.Contains(string(text), "Name:") {
		t.Errorf("have %q, %v", text, err)
	}
}

func TestSysctlPath(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"net.ipv4.ip_forward", "net/ipv4/ip_forward"},
		{"net/ipv4/ip_forward", "net/ipv4/ip_forward"},
		{"net.ipv4.conf.eno2/100.rp_filter", "net/ipv4/conf/eno2.100/rp_filter"},
		{"net/ipv4/conf/eno2.100/rp_filter", "net/ipv4/conf/eno2.100/rp_filter"},
		{"plain", "plain"}, {"", ""},
	} {
		if have := SysctlPath(c.name); have != c.want {
			t.Errorf("%s: have %s, want %s", c.name, have, c.want)
		}
	}
}

func TestCapability(t *testing.T) {
	for _, c := range []struct {
		name string
		n    uint
		ok   bool
	}{
		{"CAP_CHOWN", unix.CAP_CHOWN, true}, {"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN, true},
		{"CAP_AUDIT_READ", unix.CAP_AUDIT_READ, true}, {"CAP_CHECKPOINT_RESTORE", unix.CAP_LAST_CAP, true},
		{"CHOWN", 0, false}, {"cap_chown", 0, false}, {"CAP_", 0, false}, {"", 0, false},
	} {
		if n, ok := Capability(c.name); n != c.n || ok != c.ok {
			t.Errorf("%q: have %d %v, want %d %v", c.name, n, ok, c.n, c.ok)
		}
	}
	if len(capabilityNames) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d names, Linux has %d", len(capabilityNames), unix.CAP_LAST_CAP+1)
	}
}
