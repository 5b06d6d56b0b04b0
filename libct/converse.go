package libct

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"rt/libct/compile"
	"rt/libct/netdev"
)

// initError words a failure of the child as runc does.
func initError(err error) error {
	return fmt.Errorf("unable to start container process: error during container init: %w", err)
}

// answer does what the child waits for.
func (c *creation) answer(barrier byte) error {
	if c.scored != c.pid {
		if err := c.oomScore(); err != nil {
			return err
		}
	}
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
		return c.takeConsole(c.o.ConsoleSocket)
	case compile.BarrierListener:
		return c.takeListener(c.input.Spec.Linux.Seccomp, c.state("creating"))
	case compile.BarrierReady:
		return c.ready()
	}
	return fmt.Errorf("init is at an unknown barrier %q", barrier)
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

// ready makes the container known, before it may run.
func (c *creation) ready() error {
	if err := c.joinRdt(c.pid); err != nil {
		return err
	}
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
	c.filed = c.o.PidFile != ""
	return writePidFile(c.o.PidFile, c.pid)
}

// commit waits until init is parked, or has executed its program.
func (c *creation) commit() error {
	if !c.park {
		return c.executed()
	}
	if err := c.settled(); err != nil {
		return err
	}
	if gone, err := poll(c.pidfd, unix.POLLIN, 0); err != nil || gone {
		return c.died()
	}
	return nil
}
