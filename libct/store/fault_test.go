package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const writerEnv = "STORE_TEST_WRITER"

// TestMain lets the test binary be a writer that never ends.
func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		err := writeForever(path)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func writeForever(path string) error {
	r, err := OpenRoot(path)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for n := 0; ; n++ {
		d, err := r.Claim("c", newRecord())
		if err == nil {
			err = errors.Join(d.Close(), r.Remove("c"))
		}
		if err == nil {
			d, err = r.Claim("d", newRecord())
		}
		if errors.Is(err, ErrExist) {
			d, err = r.Open("d")
		}
		if err == nil {
			err = d.Update(func(rec *Record) error {
				rec.Annotations["n"] = strings.Repeat("n", n%5000)
				return nil
			})
			err = errors.Join(err, d.Close())
		}
		if err != nil {
			return err
		}
		if n%10 == 0 {
			fmt.Println(n) // gives the parent points in time to kill at
		}
	}
}

// A writer killed at any point leaves whole records, nothing locked, and
// directories that can be removed.
func TestKilledWriter(t *testing.T) {
	r := newRoot(t)
	for round := range 40 {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{writerEnv + "=" + r.Path()}
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + round%7 {
			if !lines.Scan() {
				t.Fatalf("writer ended: %v", lines.Err())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("writer: %v", err)
		}
		for _, id := range []string{"c", "d"} {
			checkAfterKill(t, r, id)
		}
	}
	if err := errors.Join(r.Remove("c"), r.Remove("d")); err != nil {
		t.Error(err)
	}
	if names, err := readNames(r.FD(), 10); err != nil || len(names) != 0 {
		t.Errorf("left %v, %v", names, err)
	}
}

func checkAfterKill(t *testing.T, r *Root, id string) {
	t.Helper()
	d, err := r.Open(id)
	if err == ErrNotExist {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	switch _, err := d.Record(); err {
	case nil:
		err = d.Update(func(rec *Record) error { rec.Owner++; return nil })
		if err != nil {
			t.Errorf("update: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(r.Path(), id, "@"+recordName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a temporary file stays: %v", err)
		}
	case ErrNotExist: // killed before the record or after it
	default:
		t.Errorf("record: %v", err)
	}
}

// On a full file system Claim leaves nothing and Update the old record.
func TestNoSpace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	inMountNamespace(t, func() error {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
			return fmt.Errorf("mount tmpfs: %w", err)
		}
		r, err := OpenRoot(dir)
		if err != nil {
			return err
		}
		d, err := r.Claim("c", newRecord())
		if err != nil {
			return err
		}
		if err := fill(filepath.Join(dir, "@fill")); err != nil {
			return err
		}
		if _, err := r.Claim("d", newRecord()); !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("claim: %v, want no space", err)
		}
		err = d.Update(func(rec *Record) error { rec.Annotations["x"] = strings.Repeat("x", 9000); return nil })
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), `state.json of "c"`) {
			return fmt.Errorf("update: %v, want no space", err)
		}
		if rec, err := d.Record(); err != nil || rec.Annotations["x"] != "" {
			return fmt.Errorf("record after update: %v, %v", rec, err)
		}
		names, err := readNames(d.FD(), 10)
		if err != nil || len(names) != 2 {
			return fmt.Errorf("directory holds %v, %v", names, err)
		}
		if ids, err := r.IDs(); err != nil || len(ids) != 1 {
			return fmt.Errorf("ids %v, %v", ids, err)
		}
		if err := d.Remove(); err != nil {
			return err
		}
		return errors.Join(d.Close(), r.Close())
	})
}

// A removal that cannot go on keeps the record, so that the container is still
// known.
func TestRemoveThatFailsKeepsTheRecord(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	r := newRoot(t)
	d := claim(t, r, "c")
	busy := filepath.Join(r.Path(), "c", "z")
	if err := os.Mkdir(busy, 0o700); err != nil {
		t.Fatal(err)
	}
	inMountNamespace(t, func() error {
		if err := unix.Mount("tmpfs", busy, "tmpfs", 0, "mode=700"); err != nil {
			return fmt.Errorf("mount tmpfs: %w", err)
		}
		// Opened here, a descriptor from outside does not see the mount.
		r, err := OpenRoot(r.Path())
		if err != nil {
			return err
		}
		if err := r.Remove("c"); !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("remove: %v, want busy", err)
		}
		return r.Close()
	})
	if _, err := d.Record(); err != nil {
		t.Error(err)
	}
}

func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	return f.Close()
}

// inMountNamespace runs f on a thread in a mount namespace of its own. The
// thread ends with it, and the namespace with the thread.
func inMountNamespace(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
