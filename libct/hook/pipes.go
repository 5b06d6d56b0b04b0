package hook

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// keep is how much of each output an error shows.
	keep = 4096
	// drainMax bounds what is read after a hook has ended, should a process it
	// left write without end. A pipe holds 64 KiB.
	drainMax = 1 << 20
)

// head keeps the beginning of what is written to it.
type head struct {
	text    []byte
	dropped bool
}

func (h *head) add(b []byte) {
	n := min(len(b), keep-len(h.text))
	h.text = append(h.text, b[:n]...)
	h.dropped = h.dropped || n < len(b)
}

func (h *head) String() string {
	if h.dropped {
		return string(h.text) + "…"
	}
	return string(h.text)
}

// pipes are our ends of a hook's standard streams, -1 when closed. None blocks.
type pipes struct {
	stdin, stdout, stderr int
	state                 []byte // what stdin has still to take
	out, err              head
	buf                   []byte
}

// openPipes makes the pipes, and returns the hook's ends as its files.
func openPipes(state []byte) (*pipes, []*os.File, error) {
	p := &pipes{stdin: -1, stdout: -1, stderr: -1, state: state, buf: make([]byte, 32*1024)}
	var theirs []*os.File
	for i, ours := range [...]*int{&p.stdin, &p.stdout, &p.stderr} {
		var fd [2]int
		err := unix.Pipe2(fd[:], unix.O_CLOEXEC)
		if err == nil {
			hook := min(i, 1) // reads its stdin, writes the others
			*ours = fd[1-hook]
			theirs = append(theirs, os.NewFile(uintptr(fd[hook]), "pipe"))
			err = unix.SetNonblock(*ours, true)
		}
		if err != nil {
			p.close()
			for _, f := range theirs {
				_ = f.Close()
			}
			return nil, nil, fmt.Errorf("pipe: %w", err)
		}
	}
	return p, theirs, nil
}

func shut(fd *int) {
	if *fd >= 0 {
		_ = unix.Close(*fd) // a pipe has nothing left to say
		*fd = -1
	}
}

func (p *pipes) close() {
	shut(&p.stdin)
	shut(&p.stdout)
	shut(&p.stderr)
}

// serve feeds the hook and reads its output until the process of pidfd ends or
// the time is up; limit 0 is no limit.
func (p *pipes) serve(pidfd int, limit time.Duration) (timedOut bool, err error) {
	begin := time.Now()
	for {
		wait := -1
		if limit > 0 {
			left := limit - time.Since(begin)
			if left <= 0 {
				return true, nil
			}
			wait = int(min(left/time.Millisecond+1, 1<<30))
		}
		fds := [...]unix.PollFd{
			{Fd: int32(pidfd), Events: unix.POLLIN},
			{Fd: int32(p.stdin), Events: unix.POLLOUT},
			{Fd: int32(p.stdout), Events: unix.POLLIN},
			{Fd: int32(p.stderr), Events: unix.POLLIN},
		}
		if _, err := unix.Poll(fds[:], wait); err != nil && err != unix.EINTR {
			return false, fmt.Errorf("poll: %w", err)
		}
		if fds[0].Revents != 0 {
			p.drain(&p.stdout, &p.out)
			p.drain(&p.stderr, &p.err)
			return false, nil
		}
		if fds[1].Revents != 0 {
			p.feed()
		}
		if fds[2].Revents != 0 {
			p.read(&p.stdout, &p.out)
		}
		if fds[3].Revents != 0 {
			p.read(&p.stderr, &p.err)
		}
	}
}

// feed writes state, and closes stdin when all is written or the hook has
// closed its end; a hook need not read.
func (p *pipes) feed() {
	n, err := unix.Write(p.stdin, p.state)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	p.state = p.state[max(n, 0):]
	if err != nil || len(p.state) == 0 {
		shut(&p.stdin)
	}
}

// read reads once and reports how much there was.
func (p *pipes) read(fd *int, h *head) int {
	n, err := unix.Read(*fd, p.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return 0
	}
	if err != nil || n == 0 {
		shut(fd)
		return 0
	}
	h.add(p.buf[:n])
	return n
}

// drain reads what an ended hook has left in a pipe. Others may still hold the
// pipe, so its end is not waited for.
func (p *pipes) drain(fd *int, h *head) {
	for total := 0; *fd >= 0 && total < drainMax; {
		n := p.read(fd, h)
		if n == 0 {
			return
		}
		total += n
	}
}
