package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func newRoot(tb testing.TB) *Root {
	tb.Helper()
	r, err := MakeRoot(filepath.Join(tb.TempDir(), "a", "root"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

func newRecord() *Record {
	timeout := 7
	return &Record{
		OCIVersion: "1.3.0", Bundle: "/b \"x\"\n", Rootfs: "/b/rootfs",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC), Owner: 1<<32 - 2, Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		PidShared: true, Rootless: true, NoPivot: true, SystemdCgroup: true,
		Cgroups:        map[string]string{"": "/sys/fs/cgroup/unified/x\ny", "memory": "/sys/fs/cgroup/memory/x"},
		Annotations:    map[string]string{"a.b": "<&>", "": "é"},
		StartContainer: []specs.Hook{{Path: "/h", Args: []string{"h", ""}, Env: []string{}, Timeout: &timeout}},
		Poststart:      []specs.Hook{{Path: "/p"}},
		Poststop:       []specs.Hook{{Path: "/q", Env: []string{"A=B"}}},
	}
}

func claim(tb testing.TB, r *Root, id string) *Dir {
	tb.Helper()
	d, err := r.Claim(id, newRecord())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "A-Z_a+z.0", "...", "-", strings.Repeat("x", 255)} {
		if err := CheckID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{".", "..", "a/b", "/", "a b", "@x", "é", "a\x00", "a\n", strings.Repeat("x", 256)} {
		if err := CheckID(id); err != ErrInvalidID {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := CheckID(""); err != ErrEmptyID {
		t.Errorf("empty: %v", err)
	}
}

func TestLife(t *testing.T) {
	r := newRoot(t)
	if _, err := r.Open("c"); err != ErrNotExist {
		t.Fatalf("before: %v", err)
	}
	want := newRecord()
	d := claim(t, r, "c")
	if _, err := r.Claim("c", newRecord()); err != ErrExist {
		t.Errorf("second claim: %v", err)
	}
	want.Version, want.ID, want.Status = recordVersion, "c", Creating
	check := func() {
		t.Helper()
		got, err := d.Record()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("record %+v, %v; want %+v", got, err, want)
		}
		cgroups, err := d.Cgroups()
		if err != nil || !reflect.DeepEqual(cgroups, want.Cgroups) {
			t.Fatalf("cgroups %v, %v; want %v", cgroups, err, want.Cgroups)
		}
	}
	check()
	change := func(rec *Record) {
		rec.Status, rec.Pid, rec.StartTime = Created, 4711, 1<<63
		rec.Cgroups["pids"] = "/p"
	}
	change(want)
	if err := d.Update(func(rec *Record) error { change(rec); return nil }); err != nil {
		t.Fatal(err)
	}
	check()
	errNo := errors.New("no")
	if err := d.Update(func(rec *Record) error { rec.Pid = 5; return errNo }); err != errNo {
		t.Errorf("refused update: %v", err)
	}
	check()
	if err := d.Update(func(rec *Record) error { rec.Pid = 1; return nil }); err == nil {
		t.Error("wrote pid 1")
	}
	check()
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(); err != nil {
		t.Errorf("second remove: %v", err)
	}
	if _, err := d.Record(); err != ErrNotExist {
		t.Errorf("record after remove: %v", err)
	}
	if err := d.Update(func(*Record) error { return nil }); err != ErrNotExist {
		t.Errorf("update after remove: %v", err)
	}
	if ids, err := r.IDs(); err != nil || len(ids) != 0 {
		t.Errorf("ids %v, %v", ids, err)
	}
}

// A Dir whose container was removed and made anew must not touch the new one.
func TestStaleDir(t *testing.T) {
	r := newRoot(t)
	old := claim(t, r, "c")
	if err := r.Remove("c"); err != nil {
		t.Fatal(err)
	}
	claim(t, r, "c")
	if err := old.Update(func(*Record) error { return nil }); err != ErrNotExist {
		t.Errorf("update: %v", err)
	}
	if err := old.Remove(); err != nil {
		t.Errorf("remove: %v", err)
	}
	if d, err := r.Open("c"); err != nil {
		t.Errorf("new container: %v", err)
	} else if _, err := d.Record(); err != nil {
		t.Errorf("new record: %v", err)
	}
}

func TestRootThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	r, err := OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := r.IDs(); err != nil || ids != nil {
		t.Errorf("ids %v, %v", ids, err)
	}
	if _, err := r.Open("c"); err != ErrNotExist {
		t.Errorf("open: %v", err)
	}
	if err := r.Remove("c"); err != nil {
		t.Errorf("remove: %v", err)
	}
	if _, err := r.Claim("c", newRecord()); err == nil {
		t.Error("claimed")
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the root was made: %v", err)
	}
}

func TestModes(t *testing.T) {
	r := newRoot(t)
	d := claim(t, r, "c")
	if err := d.MakeFifos(os.Getuid(), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		"": os.ModeDir | 0o700, "c": os.ModeDir | 0o700, "c/state.json": 0o600, "c/cgroups": 0o600,
		"c/exec.fifo": os.ModeNamedPipe | 0o600, "c/status.fifo": os.ModeNamedPipe | 0o600,
	} {
		if st, err := os.Lstat(filepath.Join(r.Path(), name)); err != nil || st.Mode() != want {
			t.Errorf("%q: %v, %v; want %v", name, st.Mode(), err, want)
		}
	}
}

func TestIDsAreSortedAndOnlyIDs(t *testing.T) {
	r := newRoot(t)
	for _, id := range []string{"b", "a", "c"} {
		claim(t, r, id)
	}
	for _, name := range []string{"@seccomp", "x y"} {
		if err := os.Mkdir(filepath.Join(r.Path(), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := r.IDs(); err != nil || !reflect.DeepEqual(ids, []string{"a", "b", "c"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// One of many claims wins, readers see either no container or a whole record,
// and deletes in between leave nothing half.
func TestConcurrentClaimsAndDeletes(t *testing.T) {
	r := newRoot(t)
	for range 50 {
		var wg sync.WaitGroup
		var won sync.Map
		for i := range 8 {
			wg.Go(func() {
				d, err := r.Claim("c", newRecord())
				if err == nil {
					won.Store(i, true)
					err = d.Close()
				}
				if err != nil && err != ErrExist {
					t.Errorf("claim: %v", err)
				}
			})
			wg.Go(func() {
				d, err := r.Open("c")
				if err == nil {
					_, err = d.Record()
					_ = d.Close()
				}
				if err != nil && err != ErrNotExist {
					t.Errorf("read: %v", err)
				}
			})
		}
		wg.Wait()
		winners := 0
		won.Range(func(any, any) bool { winners++; return true })
		if winners != 1 {
			t.Fatalf("%d claims won", winners)
		}
		for range 4 {
			wg.Go(func() {
				if err := r.Remove("c"); err != nil {
					t.Errorf("remove: %v", err)
				}
			})
			wg.Go(func() {
				d, err := r.Claim("c", newRecord())
				if err == nil {
					err = d.Close()
				}
				if err != nil && err != ErrExist {
					t.Errorf("claim beside remove: %v", err)
				}
			})
			wg.Go(func() {
				d, err := r.Open("c")
				if err == nil {
					err = d.Update(func(rec *Record) error { rec.Owner++; return nil })
					_ = d.Close()
				}
				if err != nil && err != ErrNotExist {
					t.Errorf("update beside remove: %v", err)
				}
			})
		}
		wg.Wait()
		if err := r.Remove("c"); err != nil {
			t.Fatal(err)
		}
		if names, err := readNames(r.FD(), 10); err != nil || len(names) != 0 {
			t.Fatalf("left %v, %v", names, err)
		}
	}
}

func TestLock(t *testing.T) {
	r := newRoot(t)
	d := claim(t, r, "c")
	held, err := d.Lock(Shared)
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.Lock(Shared)
	if err != nil {
		t.Fatal(err)
	}
	other.Unlock()
	if _, err := d.lock(Exclusive, time.Millisecond); !errors.Is(err, ErrLocked) {
		t.Errorf("exclusive beside shared: %v", err)
	}
	got := make(chan error)
	go func() {
		l, err := d.lock(Exclusive, time.Minute)
		if err == nil {
			l.Unlock()
		}
		got <- err
	}()
	held.Unlock()
	held.Unlock()
	if err := <-got; err != nil {
		t.Errorf("waiting: %v", err)
	}
	// The waiter that gave up must free what it got later.
	l, err := d.lock(Exclusive, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

func TestFifos(t *testing.T) {
	r := newRoot(t)
	d := claim(t, r, "c")
	if _, err := d.OpenExec(unix.O_RDONLY | unix.O_NONBLOCK); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without: %v", err)
	}
	if err := d.MakeFifos(os.Getuid(), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	if has, err := d.HasExec(); err != nil || !has {
		t.Errorf("HasExec %t, %v", has, err)
	}
	if _, err := d.OpenExec(unix.O_WRONLY | unix.O_NONBLOCK); !errors.Is(err, unix.ENXIO) {
		t.Errorf("writer without a reader: %v", err)
	}
	for _, open := range []func(int) (int, error){d.OpenExec, d.OpenStatus} {
		rd, err := open(unix.O_RDONLY | unix.O_NONBLOCK)
		if err != nil {
			t.Fatal(err)
		}
		wr, err := open(unix.O_WRONLY)
		if err != nil {
			t.Fatal(err)
		}
		var b [4]byte
		if _, err := unix.Write(wr, []byte("hi")); err != nil {
			t.Error(err)
		}
		if n, err := unix.Read(rd, b[:]); err != nil || string(b[:n]) != "hi" {
			t.Errorf("read %q, %v", b[:n], err)
		}
		_, _ = unix.Close(rd), unix.Close(wr)
	}
	for range 2 {
		if err := errors.Join(d.RemoveExec(), d.RemoveStatus()); err != nil {
			t.Error(err)
		}
	}
	if has, err := d.HasExec(); err != nil || has {
		t.Errorf("HasExec after removal %t, %v", has, err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(r.Path(), "c", execName)
	if err := os.Symlink(victim, fifo); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenExec(unix.O_WRONLY | unix.O_TRUNC); !errors.Is(err, ErrCorrupt) {
		t.Errorf("symbolic link: %v", err)
	}
	if err := os.Remove(fifo); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(victim, fifo); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenExec(unix.O_WRONLY | unix.O_TRUNC); !errors.Is(err, ErrCorrupt) {
		t.Errorf("regular file: %v", err)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "x" {
		t.Errorf("victim holds %q, %v", b, err)
	}
}

// Remove must not follow what somebody linked into the directory.
func TestRemoveFollowsNothing(t *testing.T) {
	r := newRoot(t)
	claim(t, r, "c")
	keep := t.TempDir()
	victim := filepath.Join(keep, "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.Path(), "c")
	err := errors.Join(os.Symlink(keep, filepath.Join(dir, "link")), os.MkdirAll(filepath.Join(dir, "d/e/f"), 0o700),
		os.Symlink("/", filepath.Join(dir, "d/root")), os.Symlink(keep, filepath.Join(r.Path(), "l")))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Remove("c"), r.Remove("l")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(victim); err != nil {
		t.Error(err)
	}
	if names, err := readNames(r.FD(), 10); err != nil || len(names) != 0 {
		t.Errorf("left %v, %v", names, err)
	}
}

func BenchmarkClaimUpdateReadRemove(b *testing.B) {
	r := newRoot(b)
	for b.Loop() {
		d, err := r.Claim("c", newRecord())
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Update(func(rec *Record) error { rec.Owner++; return nil }); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Record(); err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(d.Remove(), d.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	r := newRoot(b)
	claim(b, r, "c")
	for b.Loop() {
		d, err := r.Open("c")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Record(); err != nil {
			b.Fatal(err)
		}
		_ = d.Close()
	}
}
