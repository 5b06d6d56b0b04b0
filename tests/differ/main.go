// Command differ runs the same bundles under rt and under the runc and crun
// found on PATH, and compares what the container sees of itself and what the
// caller sees: output, exit status, kind of error, state, pid file, hooks, and
// what is left behind. It fails on a difference that known.txt does not list
// with its reason, and on an entry there that no longer occurs.
//
// The cases are the stanzas of cases/*.txt. It needs root, works in a mount
// namespace and a cgroup of its own, and must leave nothing behind.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// harness is what all cases share.
type harness struct {
	dir, probe, cgroup string
	base               []byte              // the default configuration
	mounts             string              // the namespace's, before all cases
	runtimes           map[string][]string // name → command
}

const unified = "/sys/fs/cgroup/unified"

var verbose bool

func main() {
	pattern := flag.String("run", "", "only cases whose names contain this")
	rt := flag.String("rt", "bin/rt", "the rt to compare")
	workers := flag.Int("p", 3, "cases at a time")
	flag.BoolVar(&verbose, "v", false, "print messages, and differences that are known")
	flag.Parse()
	if os.Geteuid() != 0 {
		fmt.Println("skipped: needs root")
		return
	}
	if os.Getenv("RT_DIFFER_NS") == "" {
		os.Exit(inNamespace())
	}
	code, err := compareAll(*rt, *pattern, *workers)
	fail(err)
	os.Exit(code)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "differ:", err)
		os.Exit(1)
	}
}

// inNamespace does the work in a mount namespace of its own, in which what the
// runtimes leave mounted cannot last. It passes signals on to the worker, and
// catches those it was told to ignore, as containers would inherit that.
func inNamespace() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "RT_DIFFER_NS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE)
	fail(cmd.Start())
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	_ = cmd.Wait()
	// Again, should a runtime have unmounted the worker's hierarchies.
	removeCgroups(cgroupOf(cmd.Process.Pid))
	return cmd.ProcessState.ExitCode()
}

// hideUnified goes before a command: crun refuses the v2 hierarchy of a hybrid
// host. What it then writes to its place goes with the namespace.
const hideUnified = "umount -l " + unified + " && mount -t tmpfs none " + unified + ` && exec "$0" "$@"`

// cgroupOf is the cgroup of all cases of a worker.
func cgroupOf(pid int) string { return fmt.Sprintf("/rt-differ-%d", pid) }

// newHarness makes what the cases share. Its peers are those that this host has.
func newHarness(rt string) (h *harness, err error) {
	if rt, err = filepath.Abs(rt); err != nil {
		return nil, err
	}
	h = &harness{cgroup: cgroupOf(os.Getpid()), runtimes: map[string][]string{"rt": {rt}}}
	if path, err := exec.LookPath("runc"); err == nil {
		h.runtimes["runc"] = []string{path}
	}
	if path, err := exec.LookPath("crun"); err == nil {
		h.runtimes["crun"] = []string{path}
		var st unix.Statfs_t
		if unix.Statfs(unified, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			h.runtimes["crun"] = []string{"unshare", "--mount", "--propagation", "slave", "sh", "-c", hideUnified, path}
		}
	}
	if h.dir, err = os.MkdirTemp("", "rt-differ-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(h.dir, 0o755); err != nil {
		return h, err
	}
	h.probe = filepath.Join(h.dir, "probe")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", h.probe, "rt/tests/differ/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return h, fmt.Errorf("go build probe: %w: %s", err, out)
	}
	if err := h.mountTree(); err != nil {
		return h, err
	}
	return h, h.makeBase(rt)
}

// mountTree mounts what cases bind: a tmpfs with flags, and another one in it.
func (h *harness) mountTree() error {
	tree := filepath.Join(h.dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tree", tree, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return err
	}
	if err := os.Mkdir(tree+"/sub", 0o755); err != nil {
		return err
	}
	return unix.Mount("sub", tree+"/sub", "tmpfs", unix.MS_NOATIME, "mode=755")
}

// mountPoints returns the mounts of the harness's namespace, which are the host's
// for the runtimes, but for those of cases: one a line, as identifier and path.
func (h *harness) mountPoints() (string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 4 && !strings.Contains(f[4], h.dir+"/") {
			fmt.Fprintln(&b, f[0], f[4])
		}
	}
	return b.String(), err
}

// makeBase takes rt spec's configuration, without a terminal and of a version
// that old peers accept, and lets it run the probe.
func (h *harness) makeBase(rt string) error {
	if out, err := exec.Command(rt, "spec", "--bundle", h.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("rt spec: %w: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(h.dir, "config.json"))
	if err != nil {
		return err
	}
	c := &testCase{edits: []string{`ociVersion = "1.0.2"`, `process.terminal = false`, `process.args = ["/probe"]`, `linux.cgroupsPath = "$CGROUP/$ID"`}}
	h.base, err = c.config(text, strings.NewReplacer())
	return err
}

// removeCgroups removes the cgroup of all cases.
func removeCgroups(path string) {
	// A relative path is beneath the harness's own.
	own, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(own) + "0::/\n") {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for _, dir := range cgroupDirs(strings.TrimSuffix(f[len(f)-1], "/") + path) {
			removeCgroup(dir)
		}
	}
}

// close removes everything.
func (h *harness) close() {
	if h == nil {
		return
	}
	removeCgroups(h.cgroup)
	_ = unix.Unmount(h.dir+"/tree/sub", unix.MNT_DETACH)
	_ = unix.Unmount(h.dir+"/tree", unix.MNT_DETACH)
	if err := os.RemoveAll(h.dir); err != nil {
		fmt.Fprintln(os.Stderr, "differ:", err)
	}
}

// reap takes away the dead of the containers' pid namespaces that became ours
// as their parents ended, as every subreaper must: a namespace does not end
// before all of its processes are gone. First processes are left to wait.
func reap() {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	for range died {
		lists, _ := filepath.Glob("/proc/self/task/*/children")
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for _, child := range strings.Fields(string(text)) {
				status, _ := os.ReadFile("/proc/" + child + "/status")
				_, inner, _ := strings.Cut(string(status), "NSpid:")
				inner, _, _ = strings.Cut(inner, "\n")
				pids := strings.Fields(inner)
				if len(pids) < 2 || pids[len(pids)-1] == "1" || !strings.Contains(string(status), "State:\tZ") {
					continue
				}
				if pid, err := strconv.Atoi(child); err == nil {
					_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
				}
			}
		}
	}
}

// result is what came of one case.
type result struct {
	c           *testCase
	skip        string
	err         error
	differences []string // all of them
	unknown     []string
}

func compareAll(rt, pattern string, workers int) (int, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return 1, err
	}
	unix.Umask(0o022)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1, err
	}
	cases, err := readCases()
	if err != nil {
		return 1, err
	}
	entries, err := readKnown(knownText)
	if err != nil {
		return 1, err
	}
	h, err := newHarness(rt)
	defer h.close()
	if err != nil {
		return 1, err
	}
	if h.mounts, err = h.mountPoints(); err != nil {
		return 1, err
	}
	go reap()
	results := h.all(cases, entries, pattern, workers)
	return report(results, entries, pattern == ""), nil
}

// all runs the cases, several at a time; an interrupt ends it early.
func (h *harness) all(cases []*testCase, entries []*known, pattern string, workers int) []*result {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	results, next := []*result{}, make(chan int)
	for _, c := range cases {
		if strings.Contains(c.name, pattern) {
			results = append(results, &result{c: c})
		}
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range next {
				h.one(results[i], i, entries)
			}
		})
	}
	for i := range results {
		select {
		case next <- i:
			continue
		case <-interrupt:
			results[i].err = errors.New("interrupted")
		}
		break
	}
	close(next)
	group.Wait()
	return results
}

// one compares a case under rt and under its peer.
func (h *harness) one(r *result, number int, entries []*known) {
	if h.runtimes[r.c.peer] == nil {
		r.skip = fmt.Sprintf("host: %s is not installed", r.c.peer)
		return
	}
	peer, err := h.attempt(r.c, number, r.c.peer)
	if err != nil {
		r.err = err
		return
	}
	rt, err := h.attempt(r.c, number, "rt")
	if err != nil {
		r.err = err
		return
	}
	r.differences = compare(rt, peer)
	sort.Strings(r.differences)
	r.unknown = unknown(entries, r.c, r.differences)
}

// report prints the results and returns the exit status.
func report(results []*result, entries []*known, full bool) int {
	bad, skipped := 0, 0
	for _, r := range results {
		switch {
		case r.err != nil:
			bad++
			fmt.Printf("FAILED  %s: %v\n", r.c.name, r.err)
		case r.skip != "":
			skipped++
			fmt.Printf("skipped %s: %s\n", r.c.name, r.skip)
		case len(r.unknown) > 0:
			bad++
			fmt.Printf("DIFFERS %s (+ rt alone, - %s alone)\n    %s\n", r.c.name, r.c.peer, strings.Join(r.unknown, "\n    "))
		case verbose && len(r.differences) > 0:
			fmt.Printf("known   %s\n    %s\n", r.c.name, strings.Join(r.differences, "\n    "))
		}
	}
	if full && skipped == 0 {
		for _, k := range entries {
			if k.seen.Load() == 0 {
				bad++
				fmt.Printf("GONE    known.txt: %s :: %s (%s) no longer occurs\n", k.cases, k.line, k.reason)
			}
		}
	}
	fmt.Printf("%d cases, %d failed, %d skipped, %d known differences\n", len(results), bad, skipped, len(entries))
	if bad > 0 {
		return 1
	}
	return 0
}
