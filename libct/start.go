package libct

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/child"
	"rt/libct/store"
)

// Start lets a created container run: it executes the container's program, or
// says why that failed.
func (r *Runtime) Start(id string) error {
	dir, err := r.open(id)
	if err != nil {
		return err
	}
	defer dir.Close()
	s := &starting{r: r, dir: dir.Dir, root: dir.root, notify: -1}
	if err := s.release(); err != nil {
		return err
	}
	defer s.close()
	if err := s.confirm(); err != nil {
		return err
	}
	if err := s.poststart(); err != nil {
		return err
	}
	if s.notify < 0 {
		return nil
	}
	return r.awaitReady(s.notify, s.pidfd, s.rec.Pid)
}

// starting is a container being started.
type starting struct {
	r      *Runtime
	dir    *store.Dir
	root   *store.Root
	rec    *store.Record
	pidfd  int
	status int // the status fifo, for reading
	notify int // the socket that the container reports readiness to, or -1
}

func (s *starting) close() {
	unix.Close(s.pidfd)
	unix.Close(s.status)
	if s.notify >= 0 {
		unix.Close(s.notify)
	}
}

// release lets init go on, under the lock: of two starts one wins.
func (s *starting) release() error {
	lock, err := s.dir.Lock(store.Exclusive)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if s.rec, err = s.dir.Record(); err != nil {
		return err
	}
	st, err := status(s.dir, s.rec)
	if err != nil {
		return err
	}
	switch st {
	case statusStopped:
		return ErrStopped
	case statusPaused:
		return ErrPaused
	case string(store.Created):
	case string(store.Creating):
		return errors.New("cannot start a container that is still being created")
	default:
		return ErrRunning
	}
	if s.pidfd, err = store.OpenProcess(s.rec.Pid, s.rec.StartTime); err != nil {
		return ErrStopped
	}
	if s.status, err = s.dir.OpenStatus(unix.O_RDONLY | unix.O_NONBLOCK); err != nil {
		unix.Close(s.pidfd)
		return err
	}
	if err := s.hooksAndGo(); err != nil {
		s.close()
		return err
	}
	return nil
}

// listen is ready to hear of the container before it can speak.
func (s *starting) listen() (err error) {
	if s.r.NotifySocket != "" {
		s.notify, err = listenFor(s.dir)
	}
	return err
}

func (s *starting) hooksAndGo() error {
	if len(s.rec.StartContainer) > 0 {
		if err := s.startContainerHooks(); err != nil {
			return err
		}
	}
	if err := s.listen(); err != nil {
		return err
	}
	fd, err := s.dir.OpenExec(unix.O_WRONLY | unix.O_NONBLOCK)
	if errors.Is(err, unix.ENXIO) || errors.Is(err, os.ErrNotExist) {
		return ErrStopped
	}
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte{'g'})
	unix.Close(fd)
	if err != nil {
		return fmt.Errorf("release init of %s: %w", s.dir.ID(), err)
	}
	return s.dir.RemoveExec()
}

// startContainerHooks run in the container, before its program. A failure ends
// the container (runtime-spec runtime.md#lifecycle, step 8).
func (s *starting) startContainerHooks() error {
	in, err := s.confined()
	if err != nil {
		return err
	}
	g, err := group(s.rec)
	if err != nil {
		return err
	}
	err = containerHooks{pidfd: s.pidfd, namespaces: s.rec.Namespaces, input: in, group: g}.
		run("startContainer", s.rec.StartContainer, s.state("created"))
	if err != nil {
		_ = unix.PidfdSendSignal(s.pidfd, unix.SIGKILL, nil, 0)
		return initError(err)
	}
	return nil
}

func (s *starting) state(status string) *State {
	return &State{OCIVersion: s.rec.OCIVersion, ID: s.rec.ID, Pid: s.rec.Pid, Status: status, Bundle: s.rec.Bundle, Annotations: s.rec.Annotations}
}

// confirm waits for the status fifo: execve closes it, and a failure before
// that is written to it.
func (s *starting) confirm() error {
	if _, err := poll(s.status, unix.POLLIN, -1); err != nil {
		return fmt.Errorf("wait for init of %s: %w", s.dir.ID(), err)
	}
	buf := make([]byte, 64)
	n, err := unix.Read(s.status, buf)
	if err != nil && err != unix.EAGAIN {
		return fmt.Errorf("read the status of init of %s: %w", s.dir.ID(), err)
	}
	index, errno, failed := child.ParseStatus(buf[:max(n, 0)])
	if !failed {
		return s.dir.RemoveStatus()
	}
	// Init has ended, or is about to.
	if _, err := poll(s.pidfd, unix.POLLIN, 10*time.Second); err != nil {
		return err
	}
	line, err := s.dir.ReadFile(lateFile)
	if err != nil {
		return initError(fmt.Errorf("op %d: %w", index, errno))
	}
	return initError(lateError(string(line), index, errno))
}

func (s *starting) poststart() error {
	if len(s.rec.Poststart) == 0 {
		return nil
	}
	if err := runHooks("poststart", s.rec.Poststart, s.state(statusRunning)); err != nil {
		// As runc: the container does not outlive a failed poststart hook.
		_ = unix.PidfdSendSignal(s.pidfd, unix.SIGKILL, nil, 0)
		return err
	}
	return nil
}
