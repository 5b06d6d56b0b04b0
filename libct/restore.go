package libct

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/checkpoint"
	"rt/libct/console"
	"rt/libct/host"
	"rt/libct/jsontext"
	"rt/libct/systemd"
)

// Restore makes a container from what Checkpoint saved, in the foreground until
// it ends or, with o.Detach, until it runs. The exit code is the container's,
// 128+N if signal N ended it. When Restore fails, nothing of the container is
// left.
func (r *Runtime) Restore(id string, o CreateOptions, images checkpoint.Options) (exitCode int, err error) {
	c := r.creation(id, o, false)
	defer c.close()
	f := &foreground{p: &c.process}
	if !o.Detach {
		if !o.NoSubreaper {
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				return 0, fmt.Errorf("become subreaper: %w", err)
			}
		}
		if err := f.prepare(); err != nil {
			return 0, err
		}
	}
	re := &restoration{creation: c, images: &images}
	if err := re.make(); err != nil {
		return 0, errors.Join(err, re.undo())
	}
	if o.Detach {
		return 0, nil
	}
	code, err := f.wait()
	if err != nil {
		return 0, errors.Join(err, re.undo())
	}
	return code, c.finish()
}

// restoration is a container being restored. CRIU does what in a creation the
// child does.
type restoration struct {
	*creation
	images  *checkpoint.Options
	target  checkpoint.Target
	service *checkpoint.Service
	// extra are the descriptors that CRIU gets besides the standard ones.
	extra []*os.File
	// null stands for the standard descriptors of a container with a terminal.
	null *os.File
}

// make runs the steps.
func (re *restoration) make() error {
	defer re.closeExtra()
	for _, step := range []func() error{
		re.load, re.check, re.claim, re.makeGroup, re.makeRdt, re.setLimits, re.keep,
		re.openNamespaces, re.inheritPipes, re.start, re.joinGroup, re.restore,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return writePidFile(re.o.PidFile, re.pid)
}

// check refuses what CRIU would refuse later, before anything is made.
func (re *restoration) check() error {
	if err := re.images.Validate(); err != nil {
		return err
	}
	var st unix.Stat_t
	err := unix.Stat(re.images.ImagePath, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return fmt.Errorf("image path %s: %w", re.images.ImagePath, err)
	}
	re.images.ConfigFile = criuConfig(re.input.Spec.Annotations)
	return nil
}

// setLimits writes all limits before the container's processes are made: they,
// and CRIU, are held to them from the start. A scope gets them when it is made.
func (re *restoration) setLimits() error {
	if re.scope != nil {
		return nil
	}
	return re.group.Apply(re.resources())
}

// keep stores what exec needs to know of the container.
func (re *restoration) keep() (err error) {
	if err := re.lookIntoRootfs(); err != nil {
		return err
	}
	in := &re.input
	in.Seccomp, err = filters{root: re.root.FD(), facts: in.Facts}.compile(seccompOf(in.Spec))
	if err != nil {
		return err
	}
	return re.keepProcess()
}

// openNamespaces hands over the namespaces that the container joins.
func (re *restoration) openNamespaces() error {
	for _, ns := range namespacesOf(re.input.Spec) {
		key := externalKey(ns.Type)
		switch {
		case ns.Path == "":
		case ns.Type == specs.CgroupNamespace:
			return fmt.Errorf("cgroup namespace %s: criu cannot join one", ns.Path)
		case key == "":
			re.target.Join = append(re.target.Join, checkpoint.Join{Kind: kernelName(ns.Type), Path: ns.Path})
		default:
			f, err := os.Open(ns.Path)
			if err != nil {
				return fmt.Errorf("open %s namespace: %w", ns.Type, err)
			}
			re.target.Inherit = append(re.target.Inherit, checkpoint.Inherit{Key: key, Fd: checkpoint.ExtraFd + len(re.extra)})
			re.extra = append(re.extra, f)
		}
	}
	return nil
}

func (re *restoration) closeExtra() {
	for _, f := range re.extra {
		f.Close()
	}
	re.extra = nil
	if re.null != nil {
		re.null.Close()
	}
}

// inheritPipes puts our standard descriptors in the place of the pipes that the
// container had.
func (re *restoration) inheritPipes() error {
	text, err := host.ReadFile(filepath.Join(re.images.ImagePath, descriptorsFile), maxDescriptors)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var names []string
	r := jsontext.NewReader(text)
	if err := jsontext.SetSlice(r, &names, jsontext.SetString[string]); err != nil {
		return fmt.Errorf("%s: %w", descriptorsFile, err)
	}
	for fd, name := range names {
		if fd < 3 && strings.HasPrefix(name, "pipe:") {
			re.target.Inherit = append(re.target.Inherit, checkpoint.Inherit{Key: name, Fd: fd})
		}
	}
	return nil
}

// start starts CRIU in a mount namespace of its own, with the root file system
// where CRIU wants it.
func (re *restoration) start() error {
	stdio := [3]*os.File{os.Stdin, os.Stdout, os.Stderr}
	if re.input.Spec.Process.Terminal {
		var err error
		if re.null, err = os.OpenFile(nullDevice, os.O_RDWR, 0); err != nil {
			return err
		}
		stdio = [3]*os.File{re.null, re.null, re.null}
	}
	err := ownThread(func() (err error) {
		if err = re.mountRoot(); err != nil {
			return err
		}
		re.service, err = checkpoint.Start(re.images, stdio, re.extra...)
		return err
	})
	if err != nil {
		return err
	}
	return re.service.Check()
}

// joinGroup moves CRIU into the container's cgroups, which it hands down.
func (re *restoration) joinGroup() error {
	pid := re.service.Pid()
	join := re.group.Join
	if re.scope != nil {
		join = re.joinScope
	}
	if err := join(pid); err != nil {
		return err
	}
	if err := re.joinRdt(pid); err != nil {
		return err
	}
	text, err := host.ReadFile("/proc/"+strconv.Itoa(pid)+"/cgroup", maxDescriptors)
	if err != nil {
		return err
	}
	re.target.CgroupRoots = cgroupRoots(string(text))
	return nil
}

// joinScope has systemd make the container's scope with CRIU in it.
func (re *restoration) joinScope(pid int) error {
	if err := re.startScope(pid); err != nil {
		return err
	}
	return re.group.Apply(systemd.Round(re.resources()))
}

// cgroupRoots reads /proc/PID/cgroup: a path for each controller, "" for v2.
func cgroupRoots(text string) (roots []checkpoint.CgroupRoot) {
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(f[1], ",") {
			roots = append(roots, checkpoint.CgroupRoot{Controllers: controller, Path: f[2]})
		}
	}
	return roots
}

func (re *restoration) restore() error {
	err := re.service.Restore(&re.target, re.notified)
	if err != nil {
		return err
	}
	if re.pidfd < 0 {
		return errors.New("criu did not tell that the container was restored")
	}
	return unix.Unlinkat(re.dir.FD(), criuRoot, unix.AT_REMOVEDIR)
}

// notified does what is ours to do on the way.
func (re *restoration) notified(script string, pid, fd int) error {
	re.r.debug("criu: " + script)
	if script == "orphan-pts-master" && fd >= 0 {
		return re.takeMaster(fd)
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	switch script {
	case "setup-namespaces":
		re.pid = pid
		return re.setUpNamespaces()
	case "post-restore":
		re.pid = pid
		return re.restored()
	}
	return nil
}

// takeMaster takes the master of the container's terminal.
func (re *restoration) takeMaster(fd int) error {
	if re.master >= 0 {
		unix.Close(re.master)
	}
	re.master = fd
	if err := console.CheckMaster(fd); err != nil {
		return err
	}
	if re.o.ConsoleSocket == "" {
		return nil
	}
	return send(re.o.ConsoleSocket, fd, console.MasterName)
}

// setUpNamespaces comes when the namespaces are there, and nothing in them.
func (re *restoration) setUpNamespaces() error {
	for _, ns := range namespacesOf(re.input.Spec) {
		if ns.Type == specs.NetworkNamespace && ns.Path == "" {
			if err := raiseLoopback(re.pid); err != nil {
				return err
			}
		}
	}
	h := re.input.Spec.Hooks
	if h == nil {
		return nil
	}
	state := re.state("creating")
	re.hooked = true
	//lint:ignore SA1019 prestart is deprecated, and still used
	if err := runHooks("prestart", h.Prestart, state); err != nil {
		return err
	}
	return runHooks("createRuntime", h.CreateRuntime, state)
}

// raiseLoopback brings up lo in the network namespace of a process: CRIU restores
// it empty.
func raiseLoopback(pid int) error {
	err := ownThread(func() error {
		fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return err
		}
		sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(sock)
		lo, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		lo.SetUint16(unix.IFF_UP)
		return unix.IoctlIfreq(sock, unix.SIOCSIFFLAGS, lo)
	})
	if err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}

// restored comes when all processes are there, and before they run.
func (re *restoration) restored() (err error) {
	if re.pidfd, err = unix.PidfdOpen(re.pid, 0); err != nil {
		return fmt.Errorf("pidfd of init: %w", err)
	}
	if re.rec.Namespaces&unix.CLONE_NEWTIME == 0 && ownTime(re.pid) {
		// CRIU keeps the clocks of the container going on where they stopped.
		re.rec.Namespaces |= unix.CLONE_NEWTIME
	}
	return re.record()
}

// ownTime reports whether a process has another time namespace than this one.
func ownTime(pid int) bool {
	var ours, its unix.Stat_t
	return unix.Stat("/proc/self/ns/time", &ours) == nil &&
		unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/time", &its) == nil && ours.Ino != its.Ino
}

// undo ends CRIU, and then what it restored.
func (re *restoration) undo() error {
	var errs []error
	if re.service != nil {
		errs = append(errs, re.service.Close())
	}
	if re.pidfd >= 0 {
		errs = append(errs, re.killAndReap(re.pid, re.pidfd))
	}
	return errors.Join(append(errs, re.creation.undo())...)
}
