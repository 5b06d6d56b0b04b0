package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"
)

// TestMain lets this binary play CRIU: as `criu swrk 3` it answers as the
// environment says.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "swrk" {
		play(os.Getenv("PLAY"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play answers requests: those of version and features well, the last one by the
// way named.
func play(way string) {
	s := &Service{sock: 3}
	buf := make([]byte, maxMessage)
	for {
		n, err := unix.Read(s.sock, buf)
		if err != nil || n == 0 {
			os.Exit(1)
		}
		req := new(rpc.CriuReq)
		if err := req.UnmarshalVT(buf[:n]); err != nil {
			os.Exit(2)
		}
		resp := &rpc.CriuResp{Type: req.Type, Success: ptr(true)}
		switch req.GetType() {
		case rpc.CriuReqType_VERSION:
			resp.Version = &rpc.CriuVersion{MajorNumber: ptr(int32(4)), MinorNumber: ptr(int32(1))}
			if way == "old" {
				resp.Version.MajorNumber = ptr(int32(2))
			}
		case rpc.CriuReqType_FEATURE_CHECK:
			resp.Features = &rpc.CriuFeatures{MemTrack: ptr(way != "featureless"), LazyPages: ptr(false)}
		default:
			playWork(way, req, resp)
		}
		text, err := resp.MarshalVT()
		if err != nil || unix.Sendto(s.sock, text, 0, nil) != nil {
			os.Exit(3)
		}
		if !req.GetKeepOpen() {
			return
		}
	}
}

func playWork(way string, req *rpc.CriuReq, resp *rpc.CriuResp) {
	switch way {
	case "dies":
		_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
	case "leaves":
		os.Exit(5)
	case "babbles":
		_ = unix.Sendto(3, []byte("\xff\xff\xff\xff"), 0, nil)
	case "fails":
		resp.Success, resp.CrErrno = ptr(false), ptr(int32(17))
	case "asks":
		ask, err := (&rpc.CriuResp{
			Type: ptr(rpc.CriuReqType_NOTIFY), Success: ptr(true),
			Notify: &rpc.CriuNotify{Script: ptr("orphan-pts-master"), Pid: ptr(int32(42))},
		}).MarshalVT()
		if err != nil {
			os.Exit(6)
		}
		_ = unix.Sendmsg(3, ask, unix.UnixRights(2), nil, 0)
		buf := make([]byte, maxMessage)
		n, _ := unix.Read(3, buf)
		answer := new(rpc.CriuReq)
		if answer.UnmarshalVT(buf[:n]) != nil || answer.GetType() != rpc.CriuReqType_NOTIFY {
			os.Exit(7)
		}
		resp.Success = answer.NotifySuccess
	}
}

// startPlay starts this binary as CRIU.
func startPlay(t *testing.T, way string, o *Options) *Service {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "criu")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("PLAY", way)
	if o.ImagePath == "" {
		o.ImagePath = t.TempDir()
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s, err := Start(o, [3]*os.File{null, null, null})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func nothing(string, int, int) error { return nil }

func TestDump(t *testing.T) {
	for _, c := range []struct{ way, want string }{
		{"well", ""},
		{"dies", "criu failed: signal: killed before it answered"},
		{"leaves", "criu failed: exit status 5 before it answered"},
		{"babbles", "criu's answer: "},
		{"fails", "criu failed: type DUMP errno 17"},
	} {
		t.Run(c.way, func(t *testing.T) {
			o := &Options{}
			s := startPlay(t, c.way, o)
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			err := s.Dump(&Target{Pid: 1, Root: "/"}, nothing)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(err.Error(), "(log file: "+o.ImagePath+"/dump.log)") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestNotify: a descriptor comes along, and an error of ours is the reason given.
func TestNotify(t *testing.T) {
	mine := errors.New("the hook failed")
	for _, answer := range []error{nil, mine} {
		s := startPlay(t, "asks", &Options{})
		called := 0
		err := s.Restore(&Target{Root: "/"}, func(script string, pid, fd int) error {
			called++
			if script != "orphan-pts-master" || pid != 42 || fd < 0 {
				t.Errorf("got %s %d %d", script, pid, fd)
			}
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor flags %#x, %v", flags, err)
			}
			unix.Close(fd)
			return answer
		})
		if called != 1 || !errors.Is(err, answer) {
			t.Errorf("called %d times, got %v, want %v", called, err, answer)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		way  string
		o    Options
		want string
	}{
		{"well", Options{PreDump: true}, ""},
		{"old", Options{}, "CRIU version 20100 must be 31600 or higher"},
		{"featureless", Options{PreDump: true}, "criu is missing features: [MemTrack]"},
		{"featureless", Options{PreDump: true, LazyPages: true}, "criu is missing features: [MemTrack LazyPages]"},
	} {
		err := startPlay(t, c.way, &c.o).Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s %+v: got %v, want %q", c.way, c.o, err, c.want)
		}
	}
}

func TestStartWithoutCRIU(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", "relative::"+dir)
	if err := os.Mkdir(filepath.Join(dir, "criu"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Start(&Options{ImagePath: dir}, [3]*os.File{})
	if err == nil || err.Error() != "criu is not installed: not found in $PATH" {
		t.Errorf("got %v", err)
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v    *rpc.CriuVersion
		want int
	}{
		{nil, 0},
		{&rpc.CriuVersion{MajorNumber: ptr(int32(3)), MinorNumber: ptr(int32(17)), Sublevel: ptr(int32(1))}, 31701},
		{&rpc.CriuVersion{MajorNumber: ptr(int32(4)), MinorNumber: ptr(int32(1)), Sublevel: ptr(int32(1)), Gitid: ptr("v4.1.1-2-g1")}, 40200},
	} {
		if got := number(c.v); got != c.want {
			t.Errorf("%v: got %d, want %d", c.v, got, c.want)
		}
	}
}

// TestRequests: what the options and the target say survives the wire.
func TestRequests(t *testing.T) {
	o := &Options{
		LeaveRunning: true, TCPEstablished: true, TCPSkipInFlight: true, TCPClose: true, LinkRemap: true, ExtUnixSk: true, ShellJob: true,
		FileLocks: true, AutoDedup: true, LazyPages: true, PageServer: PageServer{"::1", 27}, CgroupsMode: "strict", NetworkLock: "skip",
		ParentPath: "../1", LSMProfile: "apparmor:x", LSMMountContext: "c", ConfigFile: "/f",
	}
	target := &Target{
		Pid: 7, Root: "/r", Mounts: []Mount{{"/a", "/b"}}, FreezeCgroup: "/cg", External: []string{"net[1]:k"},
		Inherit: []Inherit{{"pipe:[1]", 1}}, Join: []Join{{"ipc", "/p"}}, CgroupRoots: []CgroupRoot{{"", "/x"}},
	}
	dump := wire(t, o.dump(target, &directories{images: 5, work: 6}))
	opts := dump.GetOpts()
	if dump.GetType() != rpc.CriuReqType_DUMP || opts.GetPid() != 7 || opts.GetImagesDirFd() != 5 || opts.GetWorkDirFd() != 6 ||
		!opts.GetLeaveRunning() || !opts.GetTcpSkipInFlight() || !opts.GetLinkRemap() || opts.GetFreezeCgroup() != "/cg" ||
		opts.GetParentImg() != "../1" || !opts.GetTrackMem() || opts.GetPs().GetAddress() != "::1" || opts.GetPs().GetPort() != 27 ||
		opts.GetLogFile() != "dump.log" || opts.GetRstSibling() {
		t.Errorf("dump: %v", dump)
	}
	restore := wire(t, o.restore(target, &directories{images: 5, work: -1}))
	opts = restore.GetOpts()
	if restore.GetType() != rpc.CriuReqType_RESTORE || opts.Pid != nil || opts.WorkDirFd != nil || !opts.GetRstSibling() ||
		!opts.GetTcpClose() || opts.GetLsmProfile() != "apparmor:x" || opts.GetLsmMountContext() != "c" || opts.GetLogFile() != "restore.log" ||
		opts.GetInheritFd()[0].GetKey() != "pipe:[1]" || opts.GetInheritFd()[0].GetFd() != 1 || opts.GetJoinNs()[0].GetNs() != "ipc" ||
		opts.GetJoinNs()[0].GetNsFile() != "/p" || opts.GetCgRoot()[0].GetCtrl() != "" || opts.GetCgRoot()[0].GetPath() != "/x" {
		t.Errorf("restore: %v", restore)
	}
	for _, opts := range []*rpc.CriuOpts{dump.GetOpts(), opts} {
		if !opts.GetTcpEstablished() || !opts.GetExtUnixSk() || !opts.GetShellJob() || !opts.GetFileLocks() || !opts.GetAutoDedup() || !opts.GetLazyPages() ||
			opts.GetManageCgroupsMode() != rpc.CriuCgMode_STRICT || opts.GetNetworkLock() != rpc.CriuNetworkLockMethod_SKIP ||
			opts.GetConfigFile() != "/f" || opts.GetRoot() != "/r" || opts.GetExtMnt()[0].GetKey() != "/a" || opts.GetExtMnt()[0].GetVal() != "/b" ||
			opts.GetExternal()[0] != "net[1]:k" || opts.GetEmptyNs() != unix.CLONE_NEWNET || !opts.GetNotifyScripts() || !opts.GetOrphanPtsMaster() {
			t.Errorf("%v", opts)
		}
	}
	o = &Options{PreDump: true}
	pre := wire(t, o.dump(&Target{}, &directories{work: -1}))
	if opts := pre.GetOpts(); pre.GetType() != rpc.CriuReqType_PRE_DUMP || opts.Ps != nil || opts.ParentImg != nil || opts.FreezeCgroup != nil ||
		opts.ConfigFile != nil || opts.NetworkLock != nil || opts.GetManageCgroupsMode() != rpc.CriuCgMode_DEFAULT {
		t.Errorf("pre-dump: %v", pre)
	}
}

func wire(t *testing.T, req *rpc.CriuReq) *rpc.CriuReq {
	t.Helper()
	text, err := req.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	got := new(rpc.CriuReq)
	if err := got.UnmarshalVT(text); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestValidate(t *testing.T) {
	for _, mode := range []string{"", "soft", "full", "strict", "ignore"} {
		if err := (&Options{CgroupsMode: mode}).Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, o := range []Options{{CgroupsMode: "Soft"}, {NetworkLock: "none"}} {
		if o.Validate() == nil {
			t.Errorf("%+v is valid", o)
		}
	}
}

func TestLastError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump.log")
	for _, c := range []struct{ log, want string }{
		{"", ""},
		{"(00.1) all is well\n", ""},
		{"(00.1) Error (criu/a.c:1): first\n(00.2) Error (criu/b.c:2): the reason\n(00.3) fine\n(00.4) Error (criu/c.c:3): Dump files (pid: 1) failed with -1\n(00.5) Error (criu/d.c:4): Dumping FAILED.\n",
			"Error (criu/b.c:2): the reason"},
		{"(00.5) Error (criu/d.c:4): Dumping FAILED.", "Error (criu/d.c:4): Dumping FAILED."},
		{strings.Repeat("x", 2*maxLog) + "\n(00.1) Error (criu/a.c:1): \xff\n", "Error (criu/a.c:1): ?"},
		{"(00.1) Error (criu/a.c:1): gone\n" + strings.Repeat("x\n", maxLog), ""},
	} {
		if err := os.WriteFile(path, []byte(c.log), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := lastError(path); got != c.want {
			t.Errorf("%.60q: got %q, want %q", c.log, got, c.want)
		}
	}
	if got := lastError(filepath.Dir(path)); got != "" {
		t.Errorf("a directory: %q", got)
	}
	if got := lastError(path + ".none"); got != "" {
		t.Errorf("no file: %q", got)
	}
}
