// Package checkpoint has CRIU save and restore processes: it starts `criu swrk`,
// speaks CRIU's RPC (criu.org/RPC) over a socketpair, and answers what CRIU asks
// on the way.
//
// It may import the standard library, x/sys/unix and the messages of go-criu,
// and of go-criu nothing else: os/exec and reflection would be linked into every
// command. It knows no container: whoever calls it says what is to be saved.
package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"
)

// minVersion is what --lsm-profile, external pid namespaces and the cgroup v2
// freezer need: CRIU 3.16, of 2021.
const minVersion = 31600

// maxMessage is more than any answer of CRIU: its largest has one error line.
const maxMessage = 64 << 10

// Notify answers CRIU at a point of its work, by the name of CRIU's action
// script (criu.org/Action_scripts). pid is init's, where CRIU tells it; fd is a
// descriptor that came along, or -1. Notify takes it over. After an error CRIU
// undoes what it did.
type Notify func(script string, pid, fd int) error

// Service is a running `criu swrk`. It works on one request and ends.
type Service struct {
	o       *Options
	dirs    *directories
	process *os.Process
	sock    int
	ended   bool
}

// Start starts CRIU with the given descriptors 0, 1 and 2, and after the socket,
// which is 3, the extra ones from ExtraFd on. The caller keeps its own. CRIU is in
// the calling thread's namespaces, as its directories then are.
func Start(o *Options, stdio [3]*os.File, extra ...*os.File) (*Service, error) {
	path, err := lookUp("criu", os.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	dirs, err := o.open()
	if err != nil {
		return nil, err
	}
	s, err := start(path, stdio, extra)
	if err != nil {
		dirs.close()
		return nil, err
	}
	s.o, s.dirs = o, dirs
	return s, nil
}

func start(path string, stdio [3]*os.File, extra []*os.File) (*Service, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "criu")
	files := append(append(stdio[:], theirs), extra...)
	process, err := os.StartProcess(path, []string{"criu", "swrk", "3"}, &os.ProcAttr{Env: os.Environ(), Files: files})
	// CRIU's end must be CRIU's alone, so that its death is the end of file.
	_ = theirs.Close()
	if err != nil {
		unix.Close(pair[0])
		return nil, fmt.Errorf("start criu: %w", err)
	}
	return &Service{process: process, sock: pair[0]}, nil
}

// ExtraFd is the number that the first of Start's extra files has in CRIU.
const ExtraFd = 4

// lookUp finds a program as a shell does, but never in the working directory.
func lookUp(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if !filepath.IsAbs(file) {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(file, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && unix.Access(file, unix.X_OK) == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: not found in $PATH", name)
}

// Pid is CRIU's process.
func (s *Service) Pid() int { return s.process.Pid }

// Close ends the conversation, and with it CRIU if it still works, and waits
// for it. It may be called twice.
func (s *Service) Close() error {
	s.dirs.close()
	if s.ended {
		return nil
	}
	_ = s.hangUp()
	_, err := s.wait()
	return err
}

func (s *Service) hangUp() error {
	err := unix.Close(s.sock)
	s.sock = -1
	return err
}

func (s *Service) wait() (*os.ProcessState, error) {
	s.ended = true
	return s.process.Wait()
}

// Check refuses a CRIU that is too old, or lacks what the options need. It comes
// before the request.
func (s *Service) Check() error {
	o := s.o
	resp, err := s.ask(&rpc.CriuReq{Type: ptr(rpc.CriuReqType_VERSION), KeepOpen: ptr(true)})
	if err != nil {
		return fmt.Errorf("CRIU version check failed: %w", err)
	}
	if v := number(resp.GetVersion()); v < minVersion {
		return fmt.Errorf("CRIU version %d must be %d or higher", v, minVersion)
	}
	if !o.PreDump && !o.LazyPages {
		return nil
	}
	resp, err = s.ask(&rpc.CriuReq{
		Type: ptr(rpc.CriuReqType_FEATURE_CHECK), KeepOpen: ptr(true),
		Features: &rpc.CriuFeatures{MemTrack: ptr(o.PreDump), LazyPages: ptr(o.LazyPages)},
	})
	if err != nil {
		return fmt.Errorf("CRIU feature check failed: %w", err)
	}
	var missing []string
	if o.PreDump && !resp.GetFeatures().GetMemTrack() {
		missing = append(missing, "MemTrack")
	}
	if o.LazyPages && !resp.GetFeatures().GetLazyPages() {
		missing = append(missing, "LazyPages")
	}
	if missing != nil {
		return fmt.Errorf("criu is missing features: %v", missing)
	}
	return nil
}

// number is a version as CRIU counts: 4.1.1 is 40101, and the next after 4.1 with
// a git id 40200, for it has that one's features.
func number(v *rpc.CriuVersion) int {
	n := int(v.GetMajorNumber())*10000 + int(v.GetMinorNumber())*100 + int(v.GetSublevel())
	if v.GetGitid() != "" {
		n -= n % 100
		n += 100
	}
	return n
}

// ask sends a request that CRIU answers at once.
func (s *Service) ask(req *rpc.CriuReq) (*rpc.CriuResp, error) {
	if err := s.send(req); err != nil {
		return nil, err
	}
	resp, fd, err := s.receive()
	if err != nil {
		return nil, err
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	if !resp.GetSuccess() {
		return nil, failure(resp)
	}
	return resp, nil
}

// work sends the request that CRIU ends with, answers its questions, and waits
// until it has ended.
func (s *Service) work(req *rpc.CriuReq, notify Notify) error {
	if err := s.send(req); err != nil {
		return err
	}
	var refused error
	for {
		resp, fd, err := s.receive()
		if err != nil {
			return errors.Join(refused, err)
		}
		if !resp.GetSuccess() {
			if fd >= 0 {
				unix.Close(fd)
			}
			if refused != nil {
				return refused // that is why
			}
			return failure(resp)
		}
		if resp.GetType() != rpc.CriuReqType_NOTIFY {
			break
		}
		err = notify(resp.GetNotify().GetScript(), int(resp.GetNotify().GetPid()), fd)
		if err != nil && refused == nil {
			refused = err
		}
		if err := s.send(&rpc.CriuReq{Type: resp.Type, NotifySuccess: ptr(err == nil)}); err != nil {
			return errors.Join(refused, err)
		}
	}
	_ = s.hangUp()
	state, err := s.wait()
	// After a pre-dump CRIU waits for more, and calls it a failure that none comes.
	if err == nil && !state.Success() && req.GetType() != rpc.CriuReqType_PRE_DUMP {
		err = fmt.Errorf("criu failed: %v", state)
	}
	return errors.Join(refused, err)
}

// failure is CRIU's answer as an error, in runc's words.
func failure(resp *rpc.CriuResp) error {
	return &criuError{what: resp.GetType().String(), errno: resp.GetCrErrno(), text: strings.TrimSpace(resp.GetCrErrmsg())}
}

// criuError is a request that CRIU failed at.
type criuError struct {
	what, text string
	errno      int32
}

func (e *criuError) Error() string {
	return fmt.Sprintf("criu failed: type %s errno %d", e.what, e.errno)
}

func (s *Service) send(req *rpc.CriuReq) error {
	text, err := req.MarshalVT()
	if err != nil {
		return fmt.Errorf("encode request for criu: %w", err)
	}
	for {
		err = unix.Sendto(s.sock, text, unix.MSG_NOSIGNAL, nil)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("write to criu: %w", err)
	}
	return nil
}

// receive reads one message, and the descriptor that came with it or -1.
func (s *Service) receive() (*rpc.CriuResp, int, error) {
	buf, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, err := 0, 0, 0, error(nil)
	for {
		n, oobn, flags, _, err = unix.Recvmsg(s.sock, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err == nil && n == 0 {
		return nil, -1, s.died()
	}
	if err != nil {
		return nil, -1, fmt.Errorf("read from criu: %w", err)
	}
	fd := descriptor(oob[:oobn])
	resp := new(rpc.CriuResp)
	if err = resp.UnmarshalVT(buf[:n]); flags&unix.MSG_TRUNC != 0 {
		err = errors.New("it is too long")
	}
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return nil, -1, fmt.Errorf("criu's answer: %w", err)
	}
	return resp, fd, nil
}

// descriptor is the descriptor in a control message, -1 if there is none.
func descriptor(oob []byte) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return -1
	}
	return fds[0]
}

// died says how CRIU ended without an answer.
func (s *Service) died() error {
	_ = s.hangUp()
	state, err := s.wait()
	if err != nil {
		return fmt.Errorf("wait for criu: %w", err)
	}
	return fmt.Errorf("criu failed: %v before it answered", state)
}

func ptr[T any](v T) *T { return &v }
