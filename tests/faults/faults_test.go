// Package faults kills, starves and races the built rt and looks at what is
// left. Each test has a bundle, a state directory and a parent cgroup of its
// own. RT_FULL=1 runs every point instead of a sample.
//
// It knows rt by its command line only and must never import libct.
package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// full asks for every point of a sweep.
var full = os.Getenv("RT_FULL") != ""

// binary returns the rt under test: bin/rt, built if there is none.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/rt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path = t.TempDir() + "/rt"
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", path, ".")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// place is where a test's containers are.
type place struct {
	t                     *testing.T
	rt, dir, bundle, root string
	// tag names the parent cgroup, and marks every process: it is in the
	// environment of rt and of what runs in the containers.
	tag string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("host: no busybox")
	}
	// Users of a user namespace must get in, so t.TempDir will not do.
	dir, err := os.MkdirTemp("", "rt-faults-")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, rt: binary(t), dir: dir, bundle: dir + "/bundle", root: dir + "/root", tag: filepath.Base(dir)}
	t.Cleanup(p.remove)
	for _, d := range []string{"", "/bundle", "/bundle/rootfs", "/bundle/rootfs/bin", "/bundle/rootfs/proc", "/bundle/rootfs/dev"} {
		p.must(os.MkdirAll(dir+d, 0o755))
		p.must(os.Chmod(dir+d, 0o755))
	}
	program, err := os.ReadFile(busybox)
	p.must(err)
	p.must(os.WriteFile(p.bundle+"/rootfs/bin/busybox", program, 0o755))
	p.must(os.Chmod(p.bundle+"/rootfs/bin/busybox", 0o755))
	p.must(os.Symlink("busybox", p.bundle+"/rootfs/bin/sleep"))
	p.config(nil)
	return p
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// remove takes everything away that the test itself has made.
func (p *place) remove() {
	for _, dir := range p.cgroups() {
		p.must(os.Remove(dir))
	}
	p.must(os.RemoveAll(p.dir))
}

// config writes config.json, as change, if any, makes it.
func (p *place) config(change func(linux map[string]any, config map[string]any)) {
	type m = map[string]any
	linux := m{
		"cgroupsPath": "/" + p.tag + "/box",
		"namespaces":  []m{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
		"maskedPaths": []string{"/proc/kcore", "/proc/acpi"}, "readonlyPaths": []string{"/proc/sys"},
		"resources": m{"devices": []m{{"allow": false, "access": "rwm"}}, "pids": m{"limit": 100}},
	}
	config := m{
		"ociVersion": "1.2.0", "root": m{"path": "rootfs"}, "hostname": "box", "linux": linux,
		"process": m{"cwd": "/", "args": []string{"/bin/sleep", "1000"}, "env": []string{"RT_FAULTS=" + p.tag}, "user": m{"uid": 0, "gid": 0}},
		"mounts": []m{
			{"destination": "/proc", "type": "proc", "source": "proc"},
			{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"mode=755"}},
			{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": []string{"newinstance", "ptmxmode=0666"}},
		},
	}
	if change != nil {
		change(linux, config)
	}
	text, err := json.Marshal(config)
	p.must(err)
	p.must(os.WriteFile(p.bundle+"/config.json", text, 0o644))
}

// result is how a command ended.
type result struct {
	code int
	text string // stdout and stderr
	took time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("exit status %d after %v: %s", r.code, r.took, r.text)
}

// crashed reports whether the Go runtime has dumped its state.
func (r result) crashed() bool {
	for _, s := range []string{"fatal error", "panic", "goroutine ", "SIGSEGV"} {
		if strings.Contains(r.text, s) {
			return true
		}
	}
	return false
}

// command is rt with the test's state directory, behind a command such as
// strace.
func (p *place) command(before []string, args ...string) *exec.Cmd {
	line := append(append(append([]string{}, before...), p.rt, "--root", p.root), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = p.bundle
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "RT_FAULTS=" + p.tag}
	return cmd
}

// do runs rt and kills it when it takes longer than limit.
func (p *place) do(limit time.Duration, before []string, args ...string) result {
	cmd := p.command(before, args...)
	// A file, not a pipe: what stays behind holds it open.
	out, err := os.CreateTemp(p.dir, "out")
	if err != nil {
		return result{code: -1, text: err.Error()}
	}
	defer out.Close()
	defer os.Remove(out.Name())
	cmd.Stdout, cmd.Stderr = out, out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return result{code: -1, text: err.Error()}
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	timer.Stop()
	text, _ := os.ReadFile(out.Name())
	r := result{text: string(bytes.TrimSpace(text)), took: time.Since(begin), code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.text += err.Error()
	}
	return r
}

// rtOK runs rt, which must succeed.
func (p *place) rtOK(args ...string) {
	p.t.Helper()
	if r := p.do(20*time.Second, nil, args...); r.code != 0 {
		p.t.Fatalf("rt %s: %v", strings.Join(args, " "), r)
	}
}

// cgroups are the parent's directories in all hierarchies.
func (p *place) cgroups() []string {
	a, _ := filepath.Glob("/sys/fs/cgroup/" + p.tag)
	b, _ := filepath.Glob("/sys/fs/cgroup/*/" + p.tag)
	return append(a, b...)
}

// processes are those that the test has started, directly or not.
func (p *place) processes() (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err == nil && bytes.Contains(env, []byte("RT_FAULTS="+p.tag)) {
			pid := strings.Split(f, "/")[2]
			stat, _ := os.ReadFile("/proc/" + pid + "/stat")
			list = append(list, string(bytes.TrimSpace(stat)))
		}
	}
	return list
}

// left lists what is left of all containers.
func (p *place) left() (list []string) {
	for _, parent := range p.cgroups() {
		dirs, _ := filepath.Glob(parent + "/*/")
		list = append(list, dirs...)
	}
	state, _ := filepath.Glob(p.root + "/[^@]*")
	list = append(list, state...)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	p.must(err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, p.dir) {
			list = append(list, "mount "+line)
		}
	}
	return list
}

// deleteAll deletes the container by force, twice, and fails the test if
// anything of it is left.
func (p *place) deleteAll(after string) {
	p.t.Helper()
	for range 2 {
		if r := p.do(20*time.Second, nil, "delete", "--force", "box"); r.code != 0 {
			p.t.Errorf("%s: delete --force: %v", after, r)
		}
		if l := p.left(); len(l) > 0 {
			p.t.Errorf("%s: left after delete --force: %v", after, l)
		}
	}
	// A child whose rt was killed before it was in the cgroup ends by itself,
	// at once; it can only not be waited for.
	end := time.Now().Add(5 * time.Second)
	for l := p.processes(); len(l) > 0; l = p.processes() {
		if time.Now().After(end) {
			p.t.Fatalf("%s: processes left: %v", after, l)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if p.t.Failed() {
		p.t.FailNow()
	}
}
