package console

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// drainMax bounds what is copied after the end of a session, should a process
// that the container left write without end. A pty holds less.
const drainMax = 1 << 20

// Session connects the user's terminal with the pty of a container that runs
// in the foreground.
type Session struct {
	master, term int
	stop         int // closing it hangs up the descriptor that the copying watches
	restore      func() error
	resized      chan os.Signal
	sized        chan struct{} // closed when term is no longer used
	output       chan error    // what ended the output
}

// Attach passes bytes from in to the master and from the master to out, puts
// term into raw mode and keeps the pty's size the same as term's. It takes over
// master and term, also when it fails; in and out stay the caller's.
func Attach(master, term, in, out int) (*Session, error) {
	s := &Session{
		master: master, term: term,
		resized: make(chan os.Signal, 1), sized: make(chan struct{}), output: make(chan error, 1),
	}
	halt, err := s.prepare()
	if err != nil {
		_, _ = unix.Close(master), unix.Close(term)
		return nil, err
	}
	var users sync.WaitGroup
	users.Go(func() { s.output <- s.copyOutput(halt, out) })
	users.Go(func() { s.copyInput(halt, in) })
	users.Go(s.copySizes)
	go func() { // not in Close: the input may hang in a read that was ready
		users.Wait()
		_, _ = unix.Close(master), unix.Close(halt)
	}()
	return s, nil
}

// prepare returns the descriptor that hangs up when the copying shall end.
func (s *Session) prepare() (halt int, err error) {
	if err := ClearONLCR(s.master); err != nil {
		return -1, err
	}
	if err := copySize(s.master, s.term); err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(s.master, true); err != nil {
		return -1, fmt.Errorf("set pty non-blocking: %w", err)
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	s.stop = p[1]
	if s.restore, err = Raw(s.term); err != nil {
		_, _ = unix.Close(p[0]), unix.Close(p[1])
		return -1, err
	}
	signal.Notify(s.resized, unix.SIGWINCH)
	return p[0], nil
}

// Close ends the session after the container's process has ended: it writes
// out what the pty still holds, and restores the terminal. It does not wait for
// processes that the container left and that keep the pty open.
func (s *Session) Close() error {
	signal.Stop(s.resized)
	close(s.resized)
	err := unix.Close(s.stop)
	<-s.sized
	return errors.Join(err, <-s.output, s.restore(), unix.Close(s.term))
}

// copySizes follows changes of the size. A terminal that went away has none.
func (s *Session) copySizes() {
	defer close(s.sized)
	for range s.resized {
		_ = copySize(s.master, s.term)
	}
}

// copyOutput copies until the last process has closed the pty, which reads as
// EIO, or until the session ends and the pty is empty. Nothing is lost then:
// poll makes the kernel move what was written to where read finds it.
func (s *Session) copyOutput(halt, out int) error {
	buf := make([]byte, 32*1024)
	ended := false
	for drained := 0; drained < drainMax; {
		ready, halted, err := wait(s.master, unix.POLLIN, halt, ended)
		if err != nil || !ready && ended {
			return err
		}
		ended = ended || halted
		if !ready {
			continue
		}
		n, err := unix.Read(s.master, buf)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
			continue
		case err == unix.EIO || err == nil && n == 0:
			return nil
		case err == nil:
			err = writeAll(out, buf[:n], -1)
		}
		if err != nil {
			return fmt.Errorf("copy terminal output: %w", err)
		}
		if ended {
			drained += n
		}
	}
	return nil
}

// copyInput copies until the input ends, the pty is gone or the session ends.
// None of these is an error of the container's.
func (s *Session) copyInput(halt, in int) {
	buf := make([]byte, 4096)
	for {
		ready, halted, err := wait(in, unix.POLLIN, halt, false)
		if err != nil || halted {
			return
		}
		if !ready {
			continue
		}
		n, err := unix.Read(in, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil || n == 0 || writeAll(s.master, buf[:n], halt) != nil {
			return
		}
	}
}

// wait waits until fd is ready for events or halt has hung up; it only looks if
// now is set.
func wait(fd int, events int16, halt int, now bool) (ready, halted bool, err error) {
	p := [2]unix.PollFd{{Fd: int32(fd), Events: events}, {Fd: int32(halt)}}
	timeout := -1
	if now {
		timeout = 0
	}
	for {
		_, err := unix.Poll(p[:], timeout)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, false, fmt.Errorf("poll terminal: %w", err)
		}
		return p[0].Revents != 0, p[1].Revents != 0, nil
	}
}

// writeAll writes all of data, also to a descriptor that does not block. When
// halt hangs up, it gives up; halt -1 never does.
func writeAll(fd int, data []byte, halt int) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err == unix.EAGAIN {
			_, halted, err := wait(fd, unix.POLLOUT, halt, false)
			if err != nil {
				return err
			}
			if halted {
				return os.ErrClosed
			}
			continue
		}
		if err != nil && err != unix.EINTR {
			return err
		}
		data = data[max(n, 0):]
	}
	return nil
}
