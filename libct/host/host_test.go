package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func probe(tb testing.TB) Facts {
	tb.Helper()
	f, err := Probe()
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// status returns a field of /proc/self/status, which the kernel prints from
// the same data by other code.
func status(t *testing.T, field string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("no %s in /proc/self/status", field)
	return ""
}

func TestProbeAgreesWithProc(t *testing.T) {
	f := probe(t)
	if got, want := f.Effective.String(), status(t, "CapEff"); got != want {
		t.Errorf("effective capabilities %s, want %s", got, want)
	}
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strconv.Itoa(f.LastCap), strings.TrimSpace(string(b)); got != want {
		t.Errorf("last capability %s, want %s", got, want)
	}
	if got, want := strings.Fields(status(t, "Uid"))[:2], []string{strconv.Itoa(f.UID), strconv.Itoa(f.EUID)}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("uids %v, want %v", want, got)
	}
	b, err = os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), f.Kernel.String()) {
		t.Errorf("kernel %s, want a prefix of %s", f.Kernel, b)
	}
	if f.Nofile.Hard == 0 || f.Nofile.Soft > f.Nofile.Hard {
		t.Errorf("nofile %+v", f.Nofile)
	}
}

func TestPrivilegedNeedsAllThree(t *testing.T) {
	root := Facts{InitialUserns: true, Effective: 1 << unix.CAP_SYS_ADMIN}
	if !root.Privileged() {
		t.Error("root is not privileged")
	}
	user, nested, capless := root, root, root
	user.EUID, nested.InitialUserns, capless.Effective = 1000, false, ^CapSet(1<<unix.CAP_SYS_ADMIN)
	for _, f := range []Facts{user, nested, capless} {
		if f.Privileged() {
			t.Errorf("privileged:\n%v", f)
		}
	}
}

func TestParseRelease(t *testing.T) {
	for release, want := range map[string]Version{
		"6.18.44-fc-v657": {6, 18}, "5.14.0-427.el9.x86_64": {5, 14}, "5.15": {5, 15},
		"6.1+": {6, 1}, "10.0-rc1": {10, 0},
	} {
		if got, err := parseRelease(release); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", release, got, err, want)
		}
	}
	for _, release := range []string{"", "6", "6.", "x.1", "6.x", "-1.2", "99999999999.1"} {
		if got, err := parseRelease(release); err == nil {
			t.Errorf("%q: %v, want an error", release, got)
		}
	}
}

func TestFeatures(t *testing.T) {
	old := Facts{Kernel: Version{6, 14}}
	if !old.Has(PidfdInfo) || old.Has(OpenTreeAttr) {
		t.Errorf("6.14: PidfdInfo %t, OpenTreeAttr %t", old.Has(PidfdInfo), old.Has(OpenTreeAttr))
	}
	if (Facts{Kernel: Version{5, 19}}).Has(IdmappedTmpfs) {
		t.Error("5.19 counts as newer than 6.3")
	}
	err := fmt.Errorf("mount /x: %w", old.Require(OpenTreeAttr))
	if got, want := err.Error(), "mount /x: open_tree_attr needs Linux 6.15 or newer, this is 6.14"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, &UnsupportedError{Feature: OpenTreeAttr.Name}) {
		t.Error("error is not recognised")
	}
	if errors.Is(err, &UnsupportedError{Feature: PidfdInfo.Name}) {
		t.Error("error matches another feature")
	}
	if err := old.Require(PidfdInfo); err != nil {
		t.Error(err)
	}
}

func TestSeccompFlags(t *testing.T) {
	f := probe(t)
	got := f.SeccompFlags()
	const floor = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW |
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	if got&floor != floor {
		t.Errorf("flags %#x, want at least %#x", got, floor)
	}
	if has := got&unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV != 0; f.Has(SeccompWaitKillable) && !has {
		t.Errorf("flags %#x lack WAIT_KILLABLE_RECV", got)
	}
	before := status(t, "Seccomp_filters")
	f.SeccompFlags()
	if after := status(t, "Seccomp_filters"); after != before {
		t.Errorf("filters went from %s to %s", before, after)
	}
	if got := (Facts{Seccomp: 5}).SeccompFlags(); got != 5 {
		t.Errorf("fake flags: %#x", got)
	}
}

func TestParseLSMs(t *testing.T) {
	for list, want := range map[string]LSM{
		"lockdown,capability,landlock,yama,apparmor": AppArmor,
		"selinux,bpf\n": SELinux, "": 0, "apparmor2,xselinux": 0, "selinux,apparmor": AppArmor | SELinux,
	} {
		if got := parseLSMs(list); got != want {
			t.Errorf("%q: %v, want %v", list, got, want)
		}
	}
	if !(AppArmor | SELinux).Has(AppArmor) || SELinux.Has(AppArmor) {
		t.Error("Has")
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{0, 1, 4095, 4096, 4097, 10000} {
		want := strings.Repeat("x", size)
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFile(path, 10000); err != nil || string(got) != want {
			t.Errorf("size %d: %d bytes, %v", size, len(got), err)
		}
		if got, err := ReadFile(path, size); err != nil || string(got) != want {
			t.Errorf("size %d is the bound: %d bytes, %v", size, len(got), err)
		}
		if size == 0 {
			continue
		}
		if got, err := ReadFile(path, size-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("size %d above the bound: %d bytes, %v", size, len(got), err)
		}
	}
	if _, err := ReadFile(path+"x", 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := ReadFile(t.TempDir(), 1); !errors.Is(err, unix.EISDIR) {
		t.Errorf("directory: %v", err)
	}
}

func TestString(t *testing.T) {
	const want = `kernel 6.1
uid 1000 euid 0 gid 1 egid 2
privileged false
initial user namespace false
effective capabilities 0000000000000021
last capability 40
security modules apparmor,selinux
landlock ABI 7
nofile 1024:4096
`
	got := Facts{Kernel: Version{6, 1}, UID: 1000, GID: 1, EGID: 2, Effective: 0x21,
		LastCap: 40, LSMs: AppArmor | SELinux, Landlock: 7, Nofile: Rlimit{1024, 4096}}.String()
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func BenchmarkProbe(b *testing.B) {
	for b.Loop() {
		probe(b)
	}
}
