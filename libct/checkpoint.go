package libct

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/checkpoint"
	"rt/libct/compile"
	"rt/libct/jsontext"
	"rt/libct/store"
)

// Checkpoint saves a running container into o.ImagePath through CRIU. The
// container ends and is deleted, unless o says that it goes on. When Checkpoint
// fails, it goes on too. statusFd, if not negative, gets a zero byte once the
// server of lazily saved pages is ready.
func (r *Runtime) Checkpoint(id string, o checkpoint.Options, statusFd int) error {
	dir, err := r.open(id)
	if err != nil {
		return err
	}
	defer dir.Close()
	rec, err := dir.Record()
	if err != nil {
		return err
	}
	before, err := status(dir.Dir, rec)
	if err != nil {
		return err
	}
	if before != statusRunning && before != statusPaused {
		//lint:ignore ST1005 runc's words
		return fmt.Errorf("Container cannot be checkpointed in %s state", before)
	}
	g, err := group(rec)
	if err != nil {
		return err
	}
	d := &dumping{r: r, rec: rec, group: g, o: &o, status: statusFd}
	if err := d.prepare(); err != nil {
		return err
	}
	defer unix.Close(d.pidfd)
	if err := d.dump(); err != nil {
		if before == statusRunning {
			// Should CRIU have been killed before it could.
			err = errors.Join(err, thaw(g))
		}
		return err
	}
	if o.LeaveRunning || o.PreDump {
		return nil
	}
	if err := r.remove(dir.Dir, rec); err != nil {
		r.warn(fmt.Sprintf("container %s is saved, but not deleted: %v", id, err))
	}
	return nil
}

// dumping is a container being saved.
type dumping struct {
	r      *Runtime
	rec    *store.Record
	group  *cgroup.Group
	o      *checkpoint.Options
	status int
	pidfd  int
	target checkpoint.Target
}

// prepare finds out what is to be saved, before anything is done to the container.
func (d *dumping) prepare() error {
	if err := d.o.Validate(); err != nil {
		return err
	}
	if err := makeImagePath(d.o); err != nil {
		return err
	}
	if err := d.checkStatus(); err != nil {
		return err
	}
	quiet := Runtime{Root: d.r.Root} // create has warned
	var in compile.Input
	if err := quiet.describe(&in, d.rec.ID, CreateOptions{Bundle: d.rec.Bundle}); err != nil {
		return err
	}
	d.o.ConfigFile = criuConfig(d.rec.Annotations)
	var err error
	if d.pidfd, err = openInit(d.rec, d.group); err != nil {
		return err
	}
	if err := d.describe(in.Spec); err != nil {
		unix.Close(d.pidfd)
		return err
	}
	return nil
}

// describe fills in the target.
func (d *dumping) describe(s *specs.Spec) error {
	proc := "/proc/" + strconv.Itoa(d.rec.Pid)
	root, err := unix.Open(proc+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the root of init: %w", err)
	}
	defer unix.Close(root)
	d.target = checkpoint.Target{Pid: d.rec.Pid, Root: d.rec.Rootfs, FreezeCgroup: freezerDir(d.rec.Cgroups)}
	if !d.o.PreDump {
		if d.target.Mounts, err = dumpMounts(root, outsideMounts(s, hierarchies(d.group))); err != nil {
			return err
		}
	}
	for _, ns := range namespacesOf(s) {
		key := externalKey(ns.Type)
		if key == "" || ns.Path == "" {
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat(proc+"/ns/"+kernelName(ns.Type), &st); err != nil {
			return fmt.Errorf("stat the %s namespace of init: %w", ns.Type, err)
		}
		d.target.External = append(d.target.External, fmt.Sprintf("%s[%d]:%s", kernelName(ns.Type), st.Ino, key))
	}
	return nil
}

// externalKey is the name in the images, which is runc's, of a namespace that the
// container has joined and that must be there again for its restore.
func externalKey(t specs.LinuxNamespaceType) string {
	switch t {
	case specs.NetworkNamespace:
		return "extRootNetNS"
	case specs.PIDNamespace:
		return "extRootPidNS"
	}
	return ""
}

// kernelName is the name of a namespace's kind in /proc/PID/ns.
func kernelName(t specs.LinuxNamespaceType) string {
	switch t {
	case specs.NetworkNamespace:
		return "net"
	case specs.MountNamespace:
		return "mnt"
	}
	return string(t)
}

// freezerDir is the directory by which CRIU stops all processes at once: the one
// by which pause does (cgroup.Freeze), or CRIU would wait for what is frozen.
func freezerDir(paths map[string]string) string {
	for _, controller := range [...]string{"", "freezer"} {
		if dir := paths[controller]; dir != "" {
			return dir
		}
	}
	return ""
}

// criuConfig is the file with settings for CRIU that overrule all others: that of
// the annotation org.criu.config, and without one the host's.
func criuConfig(annotations map[string]string) string {
	if file, ok := annotations["org.criu.config"]; ok {
		return file
	}
	const own, runcs = "/etc/criu/rt.conf", "/etc/criu/runc.conf"
	if unix.Access(own, unix.F_OK) == nil {
		return own
	}
	return runcs
}

// makeImagePath makes the directory of the images, and looks for its parent.
func makeImagePath(o *checkpoint.Options) error {
	if err := os.MkdirAll(o.ImagePath, 0o700); err != nil {
		return fmt.Errorf("make image path: %w", err)
	}
	if o.ParentPath == "" {
		return nil
	}
	if filepath.IsAbs(o.ParentPath) {
		return errors.New("--parent-path must be relative")
	}
	path := filepath.Join(o.ImagePath, o.ParentPath)
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return fmt.Errorf("invalid --parent-path: %s: %w", path, err)
	}
	return nil
}

// checkStatus makes sure that the status descriptor can be written to.
func (d *dumping) checkStatus() error {
	if !d.o.LazyPages || d.status < 0 {
		return nil
	}
	flags, err := unix.FcntlInt(uintptr(d.status), unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("invalid --status-fd argument %d: %w", d.status, err)
	}
	if flags&unix.O_ACCMODE == unix.O_RDONLY {
		return fmt.Errorf("invalid --status-fd argument %d: not writable", d.status)
	}
	return nil
}

// dump has CRIU do it.
func (d *dumping) dump() error {
	null, err := os.OpenFile(nullDevice, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	s, err := checkpoint.Start(d.o, [3]*os.File{null, null, null})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Check(); err != nil {
		return err
	}
	if !d.o.PreDump {
		if err := writeDescriptors(d.o.ImagePath, d.rec.Stdio); err != nil {
			return err
		}
	}
	return s.Dump(&d.target, d.notified)
}

func (d *dumping) notified(script string, _, fd int) error {
	d.r.debug("criu: " + script)
	if fd >= 0 {
		unix.Close(fd)
	}
	if script != "status-ready" || d.status < 0 {
		return nil
	}
	_, err := unix.Write(d.status, []byte{0})
	unix.Close(d.status)
	d.status = -1
	if err != nil {
		d.r.warn(fmt.Sprintf("write to --status-fd: %v", err))
	}
	return nil
}

// descriptorsFile lists, in the directory of the images, what the standard
// descriptors of init were, in runc's form.
const descriptorsFile = "descriptors.json"

// maxDescriptors bounds that file.
const maxDescriptors = 64 << 10

func writeDescriptors(dir string, stdio []string) error {
	var w jsontext.Writer
	w.Array(func() {
		for fd := range 3 {
			name := ""
			if fd < len(stdio) {
				name = stdio[fd]
			}
			w.String(name)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, descriptorsFile), w.Bytes(), 0o600); err != nil {
		return fmt.Errorf("save the names of standard descriptors: %w", err)
	}
	return nil
}

// pipesOf names the standard descriptors of this process that are pipes, as
// /proc/PID/fd does; the others are empty. A restore puts its own in their place.
func pipesOf() []string {
	names, any := make([]string, 3), false
	for fd := range names {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
			names[fd], any = "pipe:["+strconv.FormatUint(st.Ino, 10)+"]", true
		}
	}
	if !any {
		return nil
	}
	return names
}
