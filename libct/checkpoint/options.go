package checkpoint

import (
	"fmt"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"
)

// Options are the flags of checkpoint and restore that CRIU carries out.
type Options struct {
	// ImagePath is the directory of the images, WorkPath that of logs and
	// statistics, ImagePath if empty. ParentPath is of an earlier pre-dump,
	// relative to ImagePath.
	ImagePath, WorkPath, ParentPath string
	// LeaveRunning and PreDump let the container go on.
	LeaveRunning, PreDump bool
	// What is saved and restored beyond the plain: criu(8) has each by this name.
	TCPEstablished, TCPSkipInFlight, TCPClose, LinkRemap, ExtUnixSk, ShellJob, FileLocks bool
	AutoDedup, LazyPages                                                                 bool
	// PageServer takes the memory pages: with an Address, or with LazyPages the
	// port at which CRIU gives them.
	PageServer PageServer
	// CgroupsMode is soft, full, strict, ignore or, for CRIU's default, empty.
	CgroupsMode string
	// NetworkLock is iptables, nftables, skip or, for CRIU's default, empty.
	NetworkLock string
	// LSMProfile (TYPE:NAME) and LSMMountContext replace what the images say.
	LSMProfile, LSMMountContext string
	// ConfigFile has settings that overrule all of these.
	ConfigFile string
}

// PageServer is where memory pages go.
type PageServer struct {
	Address string
	Port    int32
}

// Target is the container of a dump or restore.
type Target struct {
	// Pid is init's, of a dump.
	Pid int
	// Root is the root file system; for a restore a mount point.
	Root string
	// Mounts are those that come from outside the container.
	Mounts []Mount
	// FreezeCgroup is a directory of the freezer or of cgroup v2, or empty.
	FreezeCgroup string
	// External are resources outside the container, by criu's --external.
	External []string
	// Inherit are what they stand for in a restore: CRIU's own descriptors.
	Inherit []Inherit
	// Join are namespaces that a restore joins.
	Join []Join
	// CgroupRoots are the cgroups of a restore: path by controller list, as in
	// /proc/PID/cgroup.
	CgroupRoots []CgroupRoot
}

// Mount is a mount from outside the container. In a dump, Key is its mount point
// and Value the name it gets in the images; in a restore, Key is that name and
// Value the source.
type Mount struct{ Key, Value string }

// Inherit makes CRIU's descriptor Fd take the place of the resource Key.
type Inherit struct {
	Key string
	Fd  int
}

// Join is a namespace to join, by its kind (as in /proc/PID/ns) and a path.
type Join struct{ Kind, Path string }

// CgroupRoot is a cgroup, as the kernel shows it in /proc/PID/cgroup.
type CgroupRoot struct{ Controllers, Path string }

// The names of log files.
const (
	dumpLog    = "dump.log"
	restoreLog = "restore.log"
)

// cgroupMode is the value of --manage-cgroups-mode as CRIU counts.
func cgroupMode(mode string) (m rpc.CriuCgMode, ok bool) {
	switch mode {
	case "":
		return rpc.CriuCgMode_DEFAULT, true
	case "soft":
		return rpc.CriuCgMode_SOFT, true
	case "full":
		return rpc.CriuCgMode_FULL, true
	case "strict":
		return rpc.CriuCgMode_STRICT, true
	case "ignore":
		return rpc.CriuCgMode_IGNORE, true
	}
	return m, false
}

// lockMethod is the value of --network-lock as CRIU counts.
func lockMethod(method string) (m rpc.CriuNetworkLockMethod, ok bool) {
	switch method {
	case "iptables":
		return rpc.CriuNetworkLockMethod_IPTABLES, true
	case "nftables":
		return rpc.CriuNetworkLockMethod_NFTABLES, true
	case "skip":
		return rpc.CriuNetworkLockMethod_SKIP, true
	}
	return m, false
}

// Validate refuses values that no CRIU knows.
func (o *Options) Validate() error {
	if _, ok := cgroupMode(o.CgroupsMode); !ok {
		return fmt.Errorf("invalid manage-cgroups-mode value %q", o.CgroupsMode)
	}
	if _, ok := lockMethod(o.NetworkLock); !ok && o.NetworkLock != "" {
		return fmt.Errorf("invalid network-lock value %q", o.NetworkLock)
	}
	return nil
}

// common is what a dump and a restore have in common.
func (o *Options) common(t *Target, log string, dirs *directories) *rpc.CriuOpts {
	mode, _ := cgroupMode(o.CgroupsMode)
	opts := &rpc.CriuOpts{
		ImagesDirFd: ptr(int32(dirs.images)), LogLevel: ptr(int32(4)), LogFile: ptr(log), Root: ptr(t.Root),
		ManageCgroups: ptr(true), ManageCgroupsMode: ptr(mode),
		NotifyScripts: ptr(true), OrphanPtsMaster: ptr(true),
		ShellJob: ptr(o.ShellJob), ExtUnixSk: ptr(o.ExtUnixSk), TcpEstablished: ptr(o.TCPEstablished), FileLocks: ptr(o.FileLocks),
		AutoDedup: ptr(o.AutoDedup), LazyPages: ptr(o.LazyPages),
		// A network namespace comes back empty: its devices are their maker's.
		EmptyNs:  ptr(uint32(unix.CLONE_NEWNET)),
		External: t.External,
	}
	if dirs.work >= 0 {
		opts.WorkDirFd = ptr(int32(dirs.work))
	}
	if o.ConfigFile != "" {
		opts.ConfigFile = ptr(o.ConfigFile)
	}
	if method, ok := lockMethod(o.NetworkLock); ok {
		opts.NetworkLock = ptr(method)
	}
	for _, m := range t.Mounts {
		opts.ExtMnt = append(opts.ExtMnt, &rpc.ExtMountMap{Key: ptr(m.Key), Val: ptr(m.Value)})
	}
	return opts
}

// dump is the request of a checkpoint.
func (o *Options) dump(t *Target, dirs *directories) *rpc.CriuReq {
	opts := o.common(t, dumpLog, dirs)
	opts.Pid = ptr(int32(t.Pid))
	opts.LeaveRunning = ptr(o.LeaveRunning)
	opts.TcpSkipInFlight = ptr(o.TCPSkipInFlight)
	opts.LinkRemap = ptr(o.LinkRemap)
	if t.FreezeCgroup != "" {
		opts.FreezeCgroup = ptr(t.FreezeCgroup)
	}
	if o.PageServer.Port != 0 {
		opts.Ps = &rpc.CriuPageServerInfo{Address: ptr(o.PageServer.Address), Port: ptr(o.PageServer.Port)}
	}
	if o.ParentPath != "" {
		opts.ParentImg = ptr(o.ParentPath)
		opts.TrackMem = ptr(true)
	}
	if o.PreDump {
		return &rpc.CriuReq{Type: ptr(rpc.CriuReqType_PRE_DUMP), Opts: opts}
	}
	return &rpc.CriuReq{Type: ptr(rpc.CriuReqType_DUMP), Opts: opts}
}

// restore is the request of a restore.
func (o *Options) restore(t *Target, dirs *directories) *rpc.CriuReq {
	opts := o.common(t, restoreLog, dirs)
	opts.EvasiveDevices = ptr(true)
	// Init becomes our child, not CRIU's.
	opts.RstSibling = ptr(true)
	opts.TcpClose = ptr(o.TCPClose)
	if o.LSMProfile != "" {
		opts.LsmProfile = ptr(o.LSMProfile)
	}
	if o.LSMMountContext != "" {
		opts.LsmMountContext = ptr(o.LSMMountContext)
	}
	for _, i := range t.Inherit {
		opts.InheritFd = append(opts.InheritFd, &rpc.InheritFd{Key: ptr(i.Key), Fd: ptr(int32(i.Fd))})
	}
	for _, j := range t.Join {
		opts.JoinNs = append(opts.JoinNs, &rpc.JoinNamespace{Ns: ptr(j.Kind), NsFile: ptr(j.Path)})
	}
	for _, c := range t.CgroupRoots {
		opts.CgRoot = append(opts.CgRoot, &rpc.CgroupRoot{Ctrl: ptr(c.Controllers), Path: ptr(c.Path)})
	}
	return &rpc.CriuReq{Type: ptr(rpc.CriuReqType_RESTORE), Opts: opts}
}
