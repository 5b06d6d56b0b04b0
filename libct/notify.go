package libct

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/sdnotify"
	"rt/libct/store"
)

// notifyDir is the directory, beside a container's record, of the socket that
// the container reports readiness to. As in runc it is mounted at
// /run/notify, and whoever lets the container run waits for the report.
const notifyDir = "notify"

// notifyMount shows the container the directory and names the socket, in runc's
// place. A container without mounts of its own cannot see it.
func (c *creation) notifyMount() {
	s := c.input.Spec
	if c.r.NotifySocket == "" || !slices.ContainsFunc(namespacesOf(s), func(ns specs.LinuxNamespace) bool { return ns.Type == specs.MountNamespace }) {
		return
	}
	c.notified = true
	s.Mounts = append(s.Mounts, specs.Mount{
		Destination: "/run/notify", Source: filepath.Join(c.r.Root, c.id, notifyDir),
		Options: []string{"bind", "nosuid", "noexec", "nodev", "ro"},
	})
	s.Process.Env = append(slices.Clip(s.Process.Env), "NOTIFY_SOCKET=/run/notify/"+sdnotify.Name)
}

// makeNotify makes the directory, and for run the socket in it.
func (c *creation) makeNotify() error {
	if !c.notified {
		return nil
	}
	dir, err := c.dir.MakeDir(notifyDir)
	if err != nil || c.park {
		if err == nil {
			unix.Close(dir)
		}
		return err
	}
	c.notify, err = sdnotify.Listen(dir)
	unix.Close(dir)
	return err
}

// listenFor binds the socket of a created container that is about to start; -1
// if it was not made with one.
func listenFor(d *store.Dir) (int, error) {
	dir, err := d.OpenDir(notifyDir)
	if errors.Is(err, unix.ENOENT) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	return sdnotify.Listen(dir)
}

// awaitReady waits until the container has said that it is ready, and passes
// that on; or until it has ended.
func (r *Runtime) awaitReady(sock, pidfd, mainPid int) error {
	for {
		list := []unix.PollFd{{Fd: int32(sock), Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
		if _, err := unix.Poll(list, -1); err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for the container to be ready: %w", err)
		}
		// Its last words first.
		ready, err := sdnotify.Heard(sock)
		if err != nil {
			return err
		}
		if ready {
			return r.tellReady(mainPid)
		}
		if list[1].Revents != 0 {
			return nil
		}
	}
}

func (r *Runtime) tellReady(mainPid int) error {
	late, err := sdnotify.Tell(r.NotifySocket, mainPid)
	if late {
		r.warn("Timeout after waiting 30s for barrier. Ignored.")
	}
	return err
}
