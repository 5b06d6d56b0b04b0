package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCorruptRecords gives the record every kind of damage and expects one
// error of the right kind, the cgroups still known, the list whole and the
// container removable.
func TestCorruptRecords(t *testing.T) {
	text := func(change func(b []byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	constant := func(s string) func(*testing.T, string) {
		return text(func([]byte) []byte { return []byte(s) })
	}
	swap := func(old, new string) func(*testing.T, string) {
		return text(func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("no %s in the record", old)
			}
			return bytes.Replace(b, []byte(old), []byte(new), 1)
		})
	}
	instead := func(make func(path string) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), make(path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	kinds := map[string]struct {
		damage func(*testing.T, string)
		want   string
	}{
		"empty":         {constant(""), "state.json: "},
		"garbage":       {constant("\x7fELF garbage"), "state.json: "},
		"null":          {constant("null"), "version 0 is not supported"},
		"array":         {constant("[]"), "state.json: "},
		"deep":          {constant(strings.Repeat("[", 200_000)), "state.json: "},
		"deep member":   {constant(`{"x":` + strings.Repeat("[", 200_000)), "state.json: "},
		"NUL-filled":    {text(func(b []byte) []byte { return make([]byte, len(b)) }), "state.json: "},
		"twice":         {text(func(b []byte) []byte { return append(b, b...) }), "state.json: "},
		"wrong type":    {swap(`"pid":0`, `"pid":"0"`), "pid"},
		"huge pid":      {swap(`"pid":0`, `"pid":99999999999999999999`), "pid"},
		"pid out":       {swap(`"pid":0`, `"pid":4194305`), "pid 4194305 is out of range"},
		"pid 1":         {swap(`"pid":0`, `"pid":1`), "pid 1 is out of range"},
		"pid -1":        {swap(`"pid":0`, `"pid":-1`), "pid -1 is out of range"},
		"no start time": {swap(`"pid":0`, `"pid":77`), "pid 77 with start time 0"},
		"other version": {swap(`"version":1`, `"version":2`), "version 2 is not supported"},
		"other id":      {swap(`"id":"c"`, `"id":"d"`), `is of container "d"`},
		"bad status":    {swap(`"creating"`, `"running"`), `status "running" is unknown`},
		"bad time":      {swap(`"2026-`, `"26-`), "created"},
		"too large":     {text(func([]byte) []byte { return bytes.Repeat([]byte(" "), 1<<20+1) }), "larger than 1 MiB"},
		"missing":       {instead(func(string) error { return nil }), "state.json is missing"},
		"symlink":       {instead(func(p string) error { return os.Symlink("/proc/self/environ", p) }), "not a regular file"},
		"fifo":          {instead(func(p string) error { return unix.Mkfifo(p, 0o600) }), "not a regular file"},
		"directory":     {instead(func(p string) error { return os.MkdirAll(p+"/x", 0o700) }), "not a regular file"},
		"socket": {instead(func(p string) error {
			return unix.Mknod(p, unix.S_IFSOCK|0o600, 0)
		}), "not a regular file"},
		"other owner": {func(t *testing.T, path string) {
			if os.Getuid() != 0 {
				t.Skip("needs root")
			}
			if err := os.Chown(path, 12345, 0); err != nil {
				t.Fatal(err)
			}
		}, "belongs to uid 12345"},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			r := newRoot(t)
			claim(t, r, "healthy")
			d := claim(t, r, "c")
			kind.damage(t, filepath.Join(r.Path(), "c", recordName))
			_, err := d.Record()
			if !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotExist) {
				t.Fatalf("error %v is not ErrCorrupt", err)
			}
			if msg := err.Error(); !strings.HasPrefix(msg, `state of "c": `) || !strings.Contains(msg, kind.want) || len(msg) > 5000 {
				t.Errorf("error %.400q, want %q", msg, kind.want)
			}
			if err := d.Update(func(*Record) error { return nil }); !errors.Is(err, ErrCorrupt) {
				t.Errorf("update: %v", err)
			}
			if _, err := r.Claim("c", newRecord()); err != ErrExist {
				t.Errorf("claim: %v", err)
			}
			if got, err := d.Cgroups(); err != nil || !reflect.DeepEqual(got, newRecord().Cgroups) {
				t.Errorf("cgroups %v, %v", got, err)
			}
			if ids, err := r.IDs(); err != nil || len(ids) != 2 {
				t.Errorf("ids %v, %v", ids, err)
			}
			if err := r.Remove("c"); err != nil {
				t.Errorf("remove: %v", err)
			}
			if ids, err := r.IDs(); err != nil || len(ids) != 1 {
				t.Errorf("ids %v, %v", ids, err)
			}
		})
	}
}

func TestTruncatedRecord(t *testing.T) {
	rec := newRecord()
	rec.Version, rec.ID, rec.Status = recordVersion, "c", Creating
	whole := encode(rec)
	for n := range len(whole) - 1 { // all but the newline is needed
		if got, err := decode(whole[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: %+v", n, len(whole), got)
		}
	}
}

func TestContainerThatIsNoDirectory(t *testing.T) {
	r := newRoot(t)
	keep := t.TempDir()
	for name, make := range map[string]func(string) error{
		"file":    func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"symlink": func(p string) error { return os.Symlink(keep, p) },
		"fifo":    func(p string) error { return unix.Mkfifo(p, 0o600) },
	} {
		if err := make(filepath.Join(r.Path(), name)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Open(name); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: open: %v", name, err)
		}
		if _, err := r.Claim(name, newRecord()); err != ErrExist {
			t.Errorf("%s: claim: %v", name, err)
		}
		if err := r.Remove(name); err != nil {
			t.Errorf("%s: remove: %v", name, err)
		}
	}
	if ids, err := r.IDs(); err != nil || len(ids) != 0 {
		t.Errorf("left %v, %v", ids, err)
	}
}

// What Claim leaves when it is killed between its first steps is no container.
func TestHalfClaimIsTakenOver(t *testing.T) {
	r := newRoot(t)
	for _, id := range []string{"dir", "temp"} {
		dir := filepath.Join(r.Path(), id)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if id == "temp" {
			if err := os.WriteFile(filepath.Join(dir, "@"+recordName), []byte(`{"ver`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		half, err := r.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := half.Record(); err != ErrNotExist {
			t.Errorf("%s: %v", id, err)
		}
		_ = half.Close()
		d := claim(t, r, id)
		if names, err := readNames(d.FD(), 10); err != nil || len(names) != 2 {
			t.Errorf("%s: holds %v, %v", id, names, err)
		}
	}
}

func TestDamagedCgroups(t *testing.T) {
	d := claim(t, newRoot(t), "c")
	for _, data := range []string{"a", "a\x00", "a\x00/b", "a\x00b\x00", "\x00\x00"} {
		if err := d.WriteFile(cgroupsName, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Cgroups(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v, %v", data, got, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	rec := newRecord()
	rec.Version, rec.ID, rec.Status = recordVersion, "c", Creating
	f.Add(encode(rec))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(encode(rec))
		if err != nil {
			t.Fatalf("%v\n%s", err, encode(rec))
		}
		if !again.Created.Equal(rec.Created) {
			t.Errorf("created %v, then %v", rec.Created, again.Created)
		}
		if !bytes.Equal(encode(again), encode(rec)) {
			t.Errorf("%s\nthen %s", encode(rec), encode(again))
		}
	})
}
