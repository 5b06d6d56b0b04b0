package compile

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/host"
	"rt/libct/plan"
)

// SlotProcfs is the name of the input with a procfs of the runtime's own, in a
// pid namespace that shows the child. What is mounted at /proc is never used: an
// image could have put there what swallows the label, or a file of the kernel's
// that does harm when it is written (CVE-2019-16884, CVE-2025-52881).
const SlotProcfs = "procfs"

// NeedsProcfs reports whether a plan for process p has the input SlotProcfs.
func NeedsProcfs(in *Input, p *specs.Process) bool {
	return p.SelinuxLabel != "" || profile(in, p) != ""
}

// profile is the AppArmor profile to change to, or "". Where there is no
// AppArmor, unconfined is what every process is.
func profile(in *Input, p *specs.Process) string {
	if p.ApparmorProfile == "unconfined" && !in.Facts.LSMs.Has(host.AppArmor) {
		return ""
	}
	return p.ApparmorProfile
}

// label has the next execve enter process.apparmorProfile and
// process.selinuxLabel, and new keyrings labelled until then; clone and setns
// change nothing of that. It comes before the child enters anything of the
// container's, so that nobody there finds it with SlotProcfs. The texts of the
// faults are runc's.
func (c *compiler) label(p *specs.Process) {
	if !NeedsProcfs(c.in, p) {
		return
	}
	procfs := c.b.Input(SlotProcfs)
	if name := profile(c.in, p); name != "" {
		c.b.Step("process.apparmorProfile " + name)
		fault := "unable to apply apparmor profile: apparmor failed to apply profile: "
		attr := c.b.Slot("attr")
		c.b.Add(
			attribute(procfs, "apparmor/exec").To(attr).Or(unix.ENOENT),
			attribute(procfs, "exec").To(attr).IfNot(attr).Saying(fault+"open /proc/thread-self/attr/exec:"),
			plan.Write(plan.V(attr), []byte("exec "+name)).Saying(fault+"write /proc/thread-self/attr/apparmor/exec:"),
			plan.Close(attr))
	}
	if p.SelinuxLabel != "" {
		c.b.Step("process.selinuxLabel " + p.SelinuxLabel)
		c.writeAttribute(procfs, "exec", p.SelinuxLabel, "can't set process label: ")
		if !c.in.NoNewKeyring {
			c.writeAttribute(procfs, "keycreate", p.SelinuxLabel, "can't set key label: ")
		}
	}
	c.b.Add(plan.Close(procfs))
}

// writeAttribute writes a file of the thread's /proc/thread-self/attr.
func (c *compiler) writeAttribute(procfs plan.Slot, name, value, fault string) {
	attr := c.b.Slot("attr")
	c.b.Add(
		attribute(procfs, name).To(attr).Saying(fault+"open /proc/thread-self/attr/"+name+":"),
		plan.Write(plan.V(attr), []byte(value)).Saying(fault+"write /proc/thread-self/attr/"+name+":"),
		plan.Close(attr))
}

// attribute opens a file of /proc/thread-self/attr and nothing that is mounted
// on it. The kernel takes a write only from the process that opened the file.
func attribute(procfs plan.Slot, name string) plan.Op {
	return plan.Openat2(plan.V(procfs), "thread-self/attr/"+name, unix.O_WRONLY|unix.O_CLOEXEC, 0,
		unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS|unix.RESOLVE_NO_XDEV)
}

// mountLabel gives a new file system linux.mountLabel (config-linux.md#mount-label),
// but for those that have no files of the container's, as runc does, and for one
// whose options have a label.
func (c *compiler) mountLabel(fs plan.Slot, fstype string, o mountOptions) {
	if c.spec.Linux == nil || c.spec.Linux.MountLabel == "" || o.labelled() ||
		fstype == "proc" || fstype == "sysfs" || fstype == "mqueue" {
		return
	}
	c.b.Add(plan.FsconfigString(fs, "context", c.spec.Linux.MountLabel).If(fs).
		Saying("linux.mountLabel " + c.spec.Linux.MountLabel + ":"))
}

// labelQueues labels a mounted mqueue: its superblock is the ipc namespace's, so
// it is there already and takes no context.
func (c *compiler) labelQueues(mnt plan.Slot, fstype string) {
	if c.spec.Linux == nil || c.spec.Linux.MountLabel == "" || fstype != "mqueue" {
		return
	}
	dir := c.b.Slot("dir0")
	c.b.Add(plan.Openat(plan.V(mnt), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0).To(dir),
		plan.Fsetxattr(dir, "security.selinux", c.spec.Linux.MountLabel), plan.Close(dir))
}
