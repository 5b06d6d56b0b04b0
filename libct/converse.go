package libct

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/compile"
	"rt/libct/console"
	"rt/libct/netdev"
	"rt/libct/plan"
)

// converse answers the child at its barriers, until it is parked or has
// executed the container's program.
func (c *creation) converse() error {
	for {
		b, err := c.hear()
		if err != nil {
			return err
		}
		if b == 0 {
			return c.died()
		}
		if err := c.follow(); err != nil {
			return err
		}
		if err := c.answer(b); err != nil {
			if c.gone(err) {
				return c.died() // that is why
			}
			return err
		}
		if _, err := unix.Write(c.sync, []byte{b}); err != nil && err != unix.EPIPE {
			return fmt.Errorf("answer init: %w", err)
		}
		if b == compile.BarrierReady {
			return c.commit()
		}
	}
}

// hear reads the child's next byte, 0 when it has closed the socket.
func (c *creation) hear() (byte, error) {
	var buf [1]byte
	for {
		n, err := unix.Read(c.sync, buf[:])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil && err != unix.ECONNRESET:
			return 0, fmt.Errorf("listen to init: %w", err)
		case n < 1:
			return 0, nil
		}
		return buf[0], nil
	}
}

// follow notices that another process goes on after a Clone op.
func (c *creation) follow() error {
	pid := c.current()
	if pid == c.pid {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd of init: %w", err)
	}
	c.pid, c.pidfd = pid, fd
	if _, err := reap(c.proc.Pid); err != nil {
		return fmt.Errorf("wait for the first process: %w", err)
	}
	return c.oomScore()
}

// gone reports whether the child has ended, or is just ending: then what the
// parent does to it fails with ESRCH, and a hook in its pid namespace is killed
// before it.
func (c *creation) gone(err error) bool {
	wait := time.Duration(0)
	if c.proc.Err() != nil || errors.Is(err, unix.ESRCH) || errors.Is(err, errKilled) {
		wait = time.Second
	}
	ended, err := poll(c.pidfd, unix.POLLIN, wait)
	return err == nil && ended
}

// died says why the child ended: by its own report, or by a signal.
func (c *creation) died() error {
	if err := c.proc.Err(); err != nil {
		var op *plan.OpError
		if errors.As(err, &op) {
			c.r.debug(op.Op() + ": " + op.Errno.Error())
		}
		return initError(err)
	}
	status, err := reap(c.current())
	if err != nil {
		return fmt.Errorf("wait for init: %w", err)
	}
	at := c.plan.Fail(c.proc.Index(), 0)
	if status.Signaled() {
		return initError(fmt.Errorf("init was killed by %v at op %d %s", status.Signal(), at.Index, at.Line))
	}
	return initError(fmt.Errorf("init exited with %d at op %d %s", status.ExitStatus(), at.Index, at.Line))
}

// initError words a failure of the child as runc does.
func initError(err error) error {
	return fmt.Errorf("unable to start container process: error during container init: %w", err)
}

// answer does what the child waits for.
func (c *creation) answer(barrier byte) error {
	switch barrier {
	case compile.BarrierMaps:
		return idMaps{facts: c.input.Facts, linux: c.input.Spec.Linux}.write(c.pid)
	case compile.BarrierClone:
		return timeOffsets(c.pid, c.input.Spec.Linux.TimeOffsets)
	case compile.BarrierCopyUp:
		return c.copyUp()
	case compile.BarrierIdmap:
		return c.mapMount()
	case compile.BarrierHooks:
		return c.beforePivot()
	case compile.BarrierConsole:
		return c.takeConsole()
	case compile.BarrierListener:
		return c.takeListener()
	case compile.BarrierReady:
		return c.ready()
	}
	return fmt.Errorf("init is at an unknown barrier %q", barrier)
}

// fetch copies a descriptor out of the child.
func (c *creation) fetch(name string) (int, error) {
	there, ok := c.proc.Named(name)
	if !ok {
		return -1, fmt.Errorf("init has no %s", name)
	}
	fd, err := unix.PidfdGetfd(c.pidfd, there, 0)
	if err != nil {
		return -1, fmt.Errorf("fetch %s from init: %w", name, err)
	}
	return fd, nil
}

func (c *creation) beforePivot() error {
	s := c.input.Spec
	if s.Linux != nil && len(s.Linux.NetDevices) > 0 {
		if err := c.moveNetDevices(); err != nil {
			return err
		}
	}
	if s.Hooks == nil {
		return nil
	}
	state := c.state("creating")
	c.hooked = true
	//lint:ignore SA1019 prestart is deprecated, and still used
	if err := runHooks("prestart", s.Hooks.Prestart, state); err != nil {
		return err
	}
	if err := runHooks("createRuntime", s.Hooks.CreateRuntime, state); err != nil {
		return err
	}
	return containerHooks{pidfd: c.pidfd, namespaces: c.rec.Namespaces, input: c.input}.
		run("createContainer", s.Hooks.CreateContainer, state)
}

// moveNetDevices gives linux.netDevices to the container's network namespace.
func (c *creation) moveNetDevices() error {
	path := "/proc/" + strconv.Itoa(c.pid) + "/ns/net"
	netns, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(netns)
	for _, name := range slices.Sorted(maps.Keys(c.input.Spec.Linux.NetDevices)) {
		if err := netdev.Move(name, c.input.Spec.Linux.NetDevices[name].Name, netns); err != nil {
			return fmt.Errorf("linux.netDevices %q: %w", name, err)
		}
	}
	return nil
}

// takeConsole fetches the pty's master and hands it on, or keeps it for a
// foreground run.
func (c *creation) takeConsole() (err error) {
	if c.master, err = c.fetch(compile.SlotConsole); err != nil {
		return err
	}
	if err := console.CheckMaster(c.master); err != nil {
		return err
	}
	if c.o.ConsoleSocket == "" {
		// Before the container can write.
		return console.ClearONLCR(c.master)
	}
	return send(c.o.ConsoleSocket, c.master, console.MasterName)
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

// ready makes the container known, before it may run.
func (c *creation) ready() error {
	if err := c.record(); err != nil {
		return err
	}
	if !c.park {
		// What start does for a parked container.
		hooks := containerHooks{pidfd: c.pidfd, namespaces: c.rec.Namespaces, input: c.input, group: c.group}
		if err := hooks.run("startContainer", c.rec.StartContainer, c.state("created")); err != nil {
			return initError(err)
		}
	}
	if c.o.PidfdSocket != "" {
		if err := send(c.o.PidfdSocket, c.pidfd, "pidfd"); err != nil {
			return err
		}
	}
	return writePidFile(c.o.PidFile, c.pid)
}

// commit waits until the child needs its parent no more: its end of the socket
// closes when it is parked, or with a successful execve.
func (c *creation) commit() error {
	b, err := c.hear()
	if err != nil {
		return err
	}
	if b != 0 {
		return fmt.Errorf("init said %q after it was ready", b)
	}
	if err := c.proc.Err(); err != nil {
		return initError(err)
	}
	if c.park {
		if gone, err := poll(c.pidfd, unix.POLLIN, 0); err != nil || gone {
			return c.died()
		}
	} else if c.plan.Ops[c.proc.Index()].Call.Name != "execve" {
		return c.died()
	}
	return nil
}

// writePidFile replaces path by a file with the pid, as runc: a reader never
// sees half of it, and nothing stale is left behind.
func writePidFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the directory of pid file %s: %w", path, err)
	}
	defer unix.Close(dir)
	name := filepath.Base(path)
	temp := fmt.Sprintf(".%s.%d", name, os.Getpid())
	fd, err := unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
	if errors.Is(err, unix.EEXIST) {
		// Left by a killed process that had our pid.
		_ = unix.Unlinkat(dir, temp, 0)
		fd, err = unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o666)
	}
	if err != nil {
		return fmt.Errorf("create pid file %s: %w", path, err)
	}
	_, err = unix.Write(fd, strconv.AppendInt(nil, int64(pid), 10))
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	if err == nil {
		err = unix.Renameat(dir, temp, dir, name)
	}
	if err != nil {
		_ = unix.Unlinkat(dir, temp, 0)
		return fmt.Errorf("write pid file %s: %w", path, err)
	}
	return nil
}
