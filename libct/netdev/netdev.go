// Package netdev moves network devices of the host into a container's network
// namespace (runtime-spec config-linux.md#network-devices) by rtnetlink(7).
//
// It may import the standard library and x/sys/unix. It must never touch a
// device that it was not told to move, and must leave its thread in the network
// namespace it found it in.
package netdev

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ErrName tells that a name can be no network device's.
var ErrName = errors.New("invalid network device name")

// CheckName checks a name as the kernel's dev_valid_name does. A name with "%"
// is refused too, since the kernel would take it for a pattern.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) >= unix.IFNAMSIZ {
		return fmt.Errorf("%w %q", ErrName, name)
	}
	for i := range len(name) {
		switch name[i] {
		case 0, '/', ':', '%', ' ', '\t', '\n', '\v', '\f', '\r', 0xa0: // isspace in the kernel is Latin-1
			return fmt.Errorf("%w %q", ErrName, name)
		}
	}
	return nil
}

// Move moves the device called name from this process's network namespace into
// the one that the descriptor netns holds, and there calls it newName, unless
// that is empty, and sets it up. Permanent addresses of global scope move along,
// others belong to the old place; this is what runc does. A device that could
// not be moved is up again with these addresses if it was up before.
func Move(name, newName string, netns int) error {
	if newName == "" {
		newName = name
	}
	err := errors.Join(CheckName(name), CheckName(newName))
	if err == nil {
		err = move(name, newName, netns)
	}
	if err != nil {
		return fmt.Errorf("network device %s: %w", name, err)
	}
	return nil
}

func move(name, newName string, netns int) error {
	here, err := dial()
	if err != nil {
		return err
	}
	defer here.close()
	there, err := dialIn(netns)
	if err != nil {
		return err
	}
	defer there.close()

	link, err := here.link(name)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	addrs, err := here.addresses(link.index)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	// Asked beforehand: the kernel moves first and renames then, and leaves the
	// device in the container with its old name when the new one is taken.
	if _, err := there.link(newName); err != unix.ENODEV {
		if err == nil {
			err = unix.EEXIST
		}
		return fmt.Errorf("move to the container as %s: %w", newName, err)
	}
	// Down first, so that nobody on the host meets it half moved.
	if err := here.setFlags(link.index, 0); err != nil {
		return fmt.Errorf("set down: %w", err)
	}
	if err := here.setNamespace(link.index, newName, netns); err != nil {
		if link.flags&unix.IFF_UP != 0 {
			err = errors.Join(err, here.raise(link.index, addrs))
		}
		return fmt.Errorf("move to the container as %s: %w", newName, err)
	}
	return there.setup(newName, addrs)
}

// setup gives a device its addresses and sets it up.
func (s *socket) setup(name string, addrs []address) error {
	link, err := s.link(name) // the index may have changed
	if err != nil {
		return fmt.Errorf("look up %s in the container: %w", name, err)
	}
	for _, a := range addrs {
		if err := s.addAddress(link.index, a); err != nil {
			return fmt.Errorf("add address %v in the container: %w", a, err)
		}
	}
	if err := s.setFlags(link.index, unix.IFF_UP); err != nil {
		return fmt.Errorf("set up in the container: %w", err)
	}
	return nil
}

// raise sets a device up again. The kernel forgot its IPv6 addresses when it
// was set down, but not the others.
func (s *socket) raise(index int32, addrs []address) error {
	if err := s.setFlags(index, unix.IFF_UP); err != nil {
		return fmt.Errorf("set up again: %w", err)
	}
	for _, a := range addrs {
		if err := s.addAddress(index, a); err != nil && err != unix.EEXIST {
			return fmt.Errorf("add address %v again: %w", a, err)
		}
	}
	return nil
}

// dialIn opens a netlink socket in another network namespace. A socket stays
// in the namespace it was made in, so the thread goes there and back. A thread
// that cannot go back stays locked, and ends with the goroutine.
func dialIn(netns int) (*socket, error) {
	type result struct {
		s   *socket
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		s, back, err := visit(netns)
		if back {
			runtime.UnlockOSThread()
		}
		done <- result{s, err}
	}()
	r := <-done
	return r.s, r.err
}

// visit dials in another network namespace and reports whether the thread is
// back in its own.
func visit(netns int) (s *socket, back bool, err error) {
	const own = "/proc/thread-self/ns/net"
	home, err := unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, true, &os.PathError{Op: "open", Path: own, Err: err}
	}
	defer func() { _ = unix.Close(home) }()
	if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
		return nil, true, fmt.Errorf("setns to the container's network namespace: %w", err)
	}
	s, err = dial()
	if home := unix.Setns(home, unix.CLONE_NEWNET); home != nil {
		if s != nil {
			s.close()
		}
		return nil, false, fmt.Errorf("setns back to the own network namespace: %w", home)
	}
	return s, true, err
}
