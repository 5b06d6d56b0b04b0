package libct

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/child"
	"rt/libct/compile"
	"rt/libct/console"
	"rt/libct/plan"
)

// process is a child of rt on its way, from clone3 until it has executed its
// program or waits for start.
type process struct {
	r *Runtime
	// name is what errors call it, and word gives them runc's beginning.
	name string
	word func(error) error
	// preserved descriptors, from 3 on, are the container's.
	preserved int

	in   inputs
	plan *plan.Plan
	proc *child.Process
	// sync is our end of the child's socket, one of in.
	sync int
	// pid and pidfd are of the process that goes on: the child, or what it cloned.
	pid, pidfd int
	// master is the pty's, -1 without one.
	master int
	// killed is set once a signal was seen to have ended it.
	killed bool
}

func (r *Runtime) process(name string, word func(error) error, preserved int) process {
	return process{r: r, name: name, word: word, preserved: preserved, in: inputs{}, sync: -1, pidfd: -1, master: -1}
}

// openSync makes the socket to the child.
func (p *process) openSync() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	p.sync, p.in[compile.SlotPeer] = pair[0], pair[0]
	return p.keep(compile.SlotSync, pair[1])
}

// keep makes fd the input of that name, out of the way of preserved ones.
func (p *process) keep(name string, fd int) error {
	high, err := dupAbove(fd, p.preserved)
	if err != nil {
		return fmt.Errorf("duplicate descriptor for %s: %w", name, err)
	}
	p.in[name] = high
	return nil
}

// start clones the child, in the cgroup v2 directory of that descriptor if it is
// not negative.
func (p *process) start(cgroup int) error {
	values, err := p.in.values(p.plan)
	if err != nil {
		return err
	}
	if p.proc, err = child.Start(p.plan, values, cgroup); err != nil {
		return err
	}
	p.pid, p.pidfd = p.proc.Pid, p.proc.Pidfd
	// The child has its own: only its end of the socket must be gone here, so
	// that its death is the end of the file.
	p.in.drop(compile.SlotSync)
	return nil
}

// converse has the child's barriers answered, up to and with the last one.
func (p *process) converse(answer func(barrier byte) error) error {
	for {
		b, err := p.hear()
		if err != nil {
			return err
		}
		if b == 0 {
			return p.died()
		}
		if err := p.follow(); err != nil {
			return err
		}
		if err := answer(b); err != nil {
			if p.gone(err) {
				return p.died() // that is why
			}
			return err
		}
		if _, err := unix.Write(p.sync, []byte{b}); err != nil && err != unix.EPIPE {
			return fmt.Errorf("answer %s: %w", p.name, err)
		}
		if b == compile.BarrierReady {
			return nil
		}
	}
}

// hear reads the child's next byte, 0 when it has closed the socket.
func (p *process) hear() (byte, error) {
	var buf [1]byte
	for {
		n, err := unix.Read(p.sync, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil && err != unix.ECONNRESET:
			return 0, fmt.Errorf("listen to %s: %w", p.name, err)
		case n < 1:
			return 0, nil
		}
		return buf[0], nil
	}
}

// follow notices that another process goes on after a Clone op.
func (p *process) follow() error {
	pid := p.current()
	if pid == p.pid {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd of %s: %w", p.name, err)
	}
	p.pid, p.pidfd = pid, fd
	if _, err := reap(p.proc.Pid); err != nil {
		return fmt.Errorf("wait for the first process: %w", err)
	}
	return nil
}

// current is the pid of the process that goes on: the child, or the one that it
// has cloned.
func (p *process) current() int {
	if pid, ok := p.proc.Named(compile.SlotPid); ok {
		return pid
	}
	return p.proc.Pid
}

// settled waits until the child needs its parent no more: its end of the socket
// closes when it is parked, or with a successful execve.
func (p *process) settled() error {
	b, err := p.hear()
	if err != nil {
		return err
	}
	if b != 0 {
		return fmt.Errorf("%s said %q after it was ready", p.name, b)
	}
	if err := p.proc.Err(); err != nil {
		return p.word(err)
	}
	return nil
}

// executed is settled for a child that does not park: it has executed its
// program.
func (p *process) executed() error {
	if err := p.settled(); err != nil {
		return err
	}
	if p.plan.Ops[p.proc.Index()].Call.Name != "execve" {
		return p.died()
	}
	return nil
}

// gone reports whether the child has ended, or is just ending: then what the
// parent does to it fails with ESRCH, and a hook in its pid namespace is killed
// before it.
func (p *process) gone(err error) bool {
	wait := time.Duration(0)
	if p.proc.Err() != nil || errors.Is(err, unix.ESRCH) || errors.Is(err, errKilled) {
		wait = time.Second
	}
	ended, err := poll(p.pidfd, unix.POLLIN, wait)
	return err == nil && ended
}

// died says why the child ended: by its own report, or by a signal.
func (p *process) died() error {
	if err := p.proc.Err(); err != nil {
		var op *plan.OpError
		if errors.As(err, &op) {
			p.r.debug(op.Op() + ": " + op.Errno.Error())
		}
		return p.word(err)
	}
	status, err := reap(p.current())
	if err != nil {
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	at := p.plan.Fail(p.proc.Index(), 0)
	if p.killed = status.Signaled(); p.killed {
		return p.word(fmt.Errorf("%s was killed by %v at op %d %s", p.name, status.Signal(), at.Index, at.Line))
	}
	return p.word(fmt.Errorf("%s exited with %d at op %d %s", p.name, status.ExitStatus(), at.Index, at.Line))
}

// fetch copies a descriptor out of the child.
func (p *process) fetch(name string) (int, error) {
	there, ok := p.proc.Named(name)
	if !ok {
		return -1, fmt.Errorf("%s has no %s", p.name, name)
	}
	fd, err := unix.PidfdGetfd(p.pidfd, there, 0)
	if err != nil {
		return -1, fmt.Errorf("fetch %s from %s: %w", name, p.name, err)
	}
	return fd, nil
}

// takeConsole fetches the pty's master and sends it to the socket at that path,
// or, without one, keeps it for the foreground.
func (p *process) takeConsole(socket string) (err error) {
	if p.master, err = p.fetch(compile.SlotConsole); err != nil {
		return err
	}
	if err := console.CheckMaster(p.master); err != nil {
		return err
	}
	if socket == "" {
		// Before the container can write.
		return console.ClearONLCR(p.master)
	}
	return send(socket, p.master, console.MasterName)
}

// send passes a descriptor to whoever listens at path.
func send(path string, fd int, name string) error {
	sock, err := console.Dial(path)
	if err != nil {
		return err
	}
	defer unix.Close(sock)
	return console.Send(sock, fd, name)
}

// kill ends and reaps the child, and the process it became.
func (p *process) kill() error {
	if err := p.killAndReap(p.proc.Pid, p.proc.Pidfd); err != nil {
		return err
	}
	// Only now it is certain that no Clone op comes any more.
	pid := p.current()
	if pid == p.proc.Pid {
		return nil
	}
	fd := p.pidfd
	if pid != p.pid {
		// A child of ours that was not waited for keeps its pid.
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.ECHILD {
			return nil
		}
		if fd, err = unix.PidfdOpen(pid, 0); err != nil {
			return fmt.Errorf("pidfd of %s: %w", p.name, err)
		}
		defer unix.Close(fd)
	}
	return p.killAndReap(pid, fd)
}

func (p *process) killAndReap(pid, pidfd int) error {
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	if _, err := reap(pid); err != nil && err != unix.ECHILD {
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	return nil
}

// reap waits for a child that is known to end.
func reap(pid int) (status unix.WaitStatus, err error) {
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err != unix.EINTR {
			return status, err
		}
	}
}

// close closes what is open.
func (p *process) close() {
	p.in.close()
	if p.master >= 0 {
		unix.Close(p.master)
	}
	if p.proc != nil {
		if p.pidfd != p.proc.Pidfd {
			unix.Close(p.pidfd)
		}
		p.proc.Close()
	}
}
