package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attempt is one case under one runtime, in a directory of its own.
type attempt struct {
	*harness
	c       *testCase
	runtime string // rt, runc, crun
	dir, id string
	holder  *exec.Cmd
	socket  *consoleSocket
	facts   []string
}

const stepTime = 8 * time.Second

// attempt carries out a case's steps and returns every fact seen.
func (h *harness) attempt(c *testCase, number int, runtime string) ([]string, error) {
	a := &attempt{harness: h, c: c, runtime: runtime, id: fmt.Sprintf("differ-%d-%d", os.Getpid(), number)}
	a.dir = filepath.Join(h.dir, fmt.Sprintf("%d-%s", number, runtime))
	defer a.clean()
	if err := a.prepare(); err != nil {
		return nil, err
	}
	before, err := tree(a.path("bundle/rootfs"))
	if err != nil {
		return nil, err
	}
	for i, step := range c.steps {
		a.step(i+1, step)
	}
	if err := a.left(before); err != nil {
		return nil, err
	}
	a.output()
	for i := range a.facts {
		a.facts[i] = a.plain(a.facts[i])
	}
	return a.facts, nil
}

func (a *attempt) path(name string) string { return filepath.Join(a.dir, name) }

func (a *attempt) fact(format string, args ...any) {
	a.facts = append(a.facts, fmt.Sprintf(format, args...))
}

// plain takes out of a line what differs from run to run.
func (a *attempt) plain(line string) string {
	return strings.NewReplacer(a.dir, "DIR", a.harness.dir, "SHARED", a.id, "ID", a.cgroup, "/CGROUP").Replace(line)
}

func (a *attempt) prepare() error {
	for _, dir := range []string{"state", "src/sub", "bundle/rootfs/dev", "bundle/rootfs/etc", "bundle/rootfs/mnt", "bundle/rootfs/proc", "bundle/rootfs/sys", "bundle/rootfs/tmp"} {
		if err := os.MkdirAll(a.path(dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(a.path("src/file"), []byte("content\n"), 0o644); err != nil {
		return err
	}
	rootfs := a.path("bundle/rootfs")
	if err := os.Link(a.probe, rootfs+"/probe"); err != nil {
		return err
	}
	for _, f := range a.c.files {
		if err := place(rootfs, f); err != nil {
			return err
		}
	}
	pid, err := a.hold()
	if err != nil {
		return err
	}
	config, err := a.c.config(a.base, strings.NewReplacer("$ID", a.id, "$CGROUP", a.cgroup, "$RELATIVE", strings.TrimPrefix(a.cgroup, "/"), "$DIR", a.dir, "$TREE", a.harness.dir+"/tree",
		"$PROBE", a.probe, "$LOG", a.path("bundle/hooks.log"), "$HOLDER", "/proc/"+strconv.Itoa(pid)+"/ns"))
	if err != nil {
		return err
	}
	return os.WriteFile(a.path("bundle/config.json"), config, 0o644)
}

// place makes what a case wants its root filesystem to have.
func place(rootfs string, f []string) error {
	path := rootfs + f[1]
	switch f[0] {
	case "mkdir":
		return os.MkdirAll(path, 0o755)
	case "file":
		return os.WriteFile(path, []byte(strings.Join(f[2:], " ")+"\n"), 0o644)
	case "link":
		return os.Symlink(f[2], path)
	}
	mode, err := strconv.ParseUint(f[2], 8, 32)
	if err != nil {
		return err
	}
	return unix.Chmod(path, uint32(mode))
}

// hold starts the process whose namespaces the case joins, and tells the probe
// whose namespaces are whose.
func (a *attempt) hold() (int, error) {
	var list strings.Builder
	add := func(pid, owner string) {
		for _, name := range []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"} {
			if link, err := os.Readlink("/proc/" + pid + "/ns/" + name); err == nil {
				fmt.Fprintf(&list, "%s %s\n", link, owner)
			}
		}
	}
	pid := 0
	if a.c.hold != "" {
		cmd := exec.Command(a.probe, "quiet", "stay")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWPID | unix.CLONE_NEWCGROUP | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		if a.c.hold == "user" {
			maps := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
			cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = maps, maps
			cmd.SysProcAttr.GidMappingsEnableSetgroups = true
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		a.holder, pid = cmd, cmd.Process.Pid
		add(strconv.Itoa(pid), "holder's")
	}
	add("self", "host's")
	for _, file := range []string{a.path("bundle/rootfs/.namespaces"), a.path("namespaces")} {
		if err := os.WriteFile(file, []byte(list.String()), 0o644); err != nil {
			return 0, err
		}
	}
	return pid, nil
}

// step carries out one step; a word after a colon is its argument.
func (a *attempt) step(n int, step string) {
	name, arg, _ := strings.Cut(step, ":")
	where := fmt.Sprintf("step %d %s", n, step)
	switch name {
	case "create", "run", "run-d":
		args := []string{strings.TrimSuffix(name, "-d"), "--bundle", a.path("bundle"), "--pid-file", a.path("pid")}
		if name == "run-d" {
			args = append(args, "--detach")
		}
		for _, f := range a.c.flags {
			args = append(args, strings.ReplaceAll(f, "$DIR", a.dir))
		}
		if arg != "" {
			a.id = arg
		}
		a.call(where, append(args, a.id)...)
	case "start", "delete":
		a.call(where, name, a.id)
	case "delete-f":
		a.call(where, "delete", "--force", a.id)
	case "kill":
		a.call(where, append([]string{"kill", a.id}, strings.Fields(arg)...)...)
	case "state", "list":
		a.state(where, a.call(where, append([]string{name}, map[string][]string{"state": {a.id}, "list": {"--format", "json"}}[name]...)...))
	case "ready":
		a.ready(where)
	case "wait":
		a.wait(where)
	case "listen":
		a.socket = listen(a.path("console"))
	case "read":
		a.fact("%s", a.socket.read(where))
		a.append(a.socket.text)
	case "cgroup":
		a.facts = append(a.facts, cgroupFiles(a.cgroup+"/"+a.id)...)
	default:
		a.fact("%s: no such step", where)
	}
}

// call runs the runtime once and returns its output.
func (a *attempt) call(where string, args ...string) []byte {
	command := append(append([]string{}, a.runtimes[a.runtime]...), "--root", a.path("state"))
	cmd := exec.Command(command[0], append(command[1:], args...)...)
	cmd.Dir = a.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TERM=xterm"}, a.c.env...)
	name, flags := "out", os.O_APPEND
	if args[0] == "state" || args[0] == "list" {
		// The container may be writing to the other.
		name, flags = "answer", os.O_TRUNC
	}
	out, err := os.OpenFile(a.path(name), os.O_CREATE|os.O_RDWR|flags, 0o644)
	if err != nil {
		a.fact("%s: %v", where, err)
		return nil
	}
	defer out.Close()
	message, _ := os.Create(a.path("err"))
	defer message.Close()
	// Not /dev/null: crun gives a user namespace's root what its stdin is.
	in, err := os.OpenFile(a.path("in"), os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		a.fact("%s: %v", where, err)
		return nil
	}
	defer in.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, message
	for range a.c.fds {
		cmd.ExtraFiles = append(cmd.ExtraFiles, message)
	}
	var text []byte
	if a.c.tty {
		text, err = runOnTerminal(cmd, stepTime)
	} else {
		err = runFor(cmd, stepTime)
	}
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		a.fact("%s: %v", where, err)
	}
	if cmd.ProcessState == nil {
		return nil
	}
	said, _ := os.ReadFile(message.Name())
	if a.c.tty {
		a.append(text)
		said = text
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	a.fact("%s: exit %d signal %d %s", where, status.ExitStatus(), int(status.Signal()), class(status, string(said)))
	if verbose && status != 0 {
		fmt.Printf("      %s %s %s: %s\n", a.c.name, a.runtime, where, bytes.TrimSpace(said))
	}
	if name == "out" {
		return nil
	}
	all, _ := os.ReadFile(out.Name())
	return all
}

// append adds what came over a terminal to the container's output.
func (a *attempt) append(text []byte) {
	f, err := os.OpenFile(a.path("out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err == nil {
		_, _ = f.Write(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		f.Close()
	}
}

// runFor runs a command that is killed after a time.
func runFor(cmd *exec.Cmd, limit time.Duration) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.Wait()
}

// wait waits for the container's process, which is ours once its runtime has
// ended, since we are a subreaper.
func (a *attempt) wait(where string) {
	text, _ := os.ReadFile(a.path("pid"))
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		a.fact("%s: no pid", where)
		return
	}
	timer := time.AfterFunc(stepTime, func() { _ = unix.Kill(pid, unix.SIGKILL) })
	defer timer.Stop()
	var status unix.WaitStatus
	for {
		if _, err = unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	a.fact("%s: exit %d signal %d %v", where, status.ExitStatus(), int(status.Signal()), err)
}

// ready waits until the probe says that it catches signals.
func (a *attempt) ready(where string) {
	for begin := time.Now(); time.Since(begin) < stepTime; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(a.path("out")); bytes.Contains(text, []byte("stay: ready")) {
			return
		}
	}
	a.fact("%s: never", where)
}

// state tells the names of the JSON's members and those values that do not
// differ from run to run.
func (a *attempt) state(where string, text []byte) {
	var list []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		var one map[string]any
		_ = json.Unmarshal(text, &one)
		list = append(list, one)
	} else if err := json.Unmarshal(text, &list); err != nil {
		a.fact("%s: no JSON", where)
	}
	for _, object := range list {
		for key, value := range object {
			if n, ok := value.(float64); ok && n > 0 {
				value = "positive"
			}
			if text, ok := value.(string); ok && key == "created" {
				_, err := time.Parse(time.RFC3339Nano, text)
				value = fmt.Sprint("time ", err == nil)
			}
			a.fact("%s: %s %v", where, key, value)
		}
	}
}

// logged is a line of the runtime's log, for a terminal or not.
var logged = regexp.MustCompile(`level=error|ERRO`)

// output adds what the container and the hooks said.
func (a *attempt) output() {
	for _, file := range []string{"out", "bundle/hooks.log", "bundle/rootfs/hooks.log"} {
		text, err := os.ReadFile(a.path(file))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if !a.c.tty || !logged.MatchString(line) {
				a.fact("%s", line)
			}
		}
	}
	if pid, err := os.ReadFile(a.path("pid")); err != nil {
		a.fact("pid-file: none")
	} else {
		n, err := strconv.Atoi(string(pid))
		a.fact("pid-file: a number and nothing else %v", err == nil && n > 1)
	}
}

// left adds what is there now and was not before.
func (a *attempt) left(before map[string]string) error {
	after, err := tree(a.path("bundle/rootfs"))
	if err != nil {
		return err
	}
	for path, what := range after {
		if before[path] != what && path != "/hooks.log" {
			a.fact("rootfs: %s %s", path, what)
		}
	}
	entries, _ := os.ReadDir(a.path("state"))
	for _, e := range entries {
		if e.Name() == "@seccomp" {
			continue // rt's cache of compiled filters
		}
		a.fact("left: state %s", e.Name())
	}
	for _, dir := range cgroupDirs(a.cgroup + "/" + a.id) {
		a.fact("left: cgroup %s", dir)
	}
	now, err := a.mountPoints()
	if err != nil {
		return err
	}
	if now != a.mounts {
		// Whatever comes after fails in the same way under every runtime.
		return fmt.Errorf("%s has changed the host's mounts, or a case of the same time has", a.runtime)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	for _, line := range strings.Split(string(mounts), "\n") {
		if strings.Contains(line, a.dir+"/") {
			a.fact("left: mount %s", strings.Fields(line)[4])
		}
	}
	sort.Strings(a.facts)
	return err
}

// clean takes everything away.
func (a *attempt) clean() {
	command := append(append([]string{}, a.runtimes[a.runtime]...), "--root", a.path("state"), "delete", "--force", a.id)
	_ = exec.Command(command[0], command[1:]...).Run()
	if text, err := os.ReadFile(a.path("pid")); err == nil {
		if pid, err := strconv.Atoi(string(text)); err == nil {
			var status unix.WaitStatus
			_, _ = unix.Wait4(pid, &status, unix.WNOHANG, nil)
		}
	}
	if a.holder != nil {
		_ = a.holder.Process.Kill()
		_ = a.holder.Wait()
	}
	a.socket.close()
	for _, dir := range cgroupDirs(a.cgroup + "/" + a.id) {
		removeCgroup(dir)
	}
	for unix.Unmount(a.path("bundle/rootfs"), unix.MNT_DETACH) == nil {
	}
	if err := os.RemoveAll(a.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "differ:", err)
	}
}
