package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// LockMode is how a lock is shared.
type LockMode int

// The two modes.
const (
	Shared    LockMode = unix.LOCK_SH
	Exclusive LockMode = unix.LOCK_EX
)

// lockWait is how long Lock waits. Locks are held for some reads and writes
// only, so a longer wait means that the holder is stopped or its disk hangs.
const lockWait = 10 * time.Second

// Lock is a held lock of a container's directory.
type Lock struct{ fd int }

// Lock locks the container against other commands; reading a record needs no
// lock. The error is ErrNotExist if the container was removed meanwhile and
// ErrLocked if the wait got too long. The kernel frees the lock when its holder
// dies, unless a forked child keeps the descriptor open: it is close-on-exec,
// and must not be held while a container's child is started.
func (d *Dir) Lock(mode LockMode) (*Lock, error) { return d.lock(mode, lockWait) }

func (d *Dir) lock(mode LockMode, wait time.Duration) (*Lock, error) {
	// A description of its own, so that goroutines exclude each other too.
	fd, err := openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err == unix.ENOENT {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, d.fail("lock", err)
	}
	err = flock(fd, int(mode)|unix.LOCK_NB)
	if err == unix.EWOULDBLOCK {
		err = flockWithin(fd, int(mode), wait)
		if err == ErrLocked {
			return nil, d.fail("lock", err) // fd belongs to the waiter now
		}
	}
	l := &Lock{fd: fd}
	if err != nil {
		l.Unlock()
		return nil, d.fail("lock", err)
	}
	switch ok, err := d.linked(); {
	case err != nil:
		l.Unlock()
		return nil, d.fail("lock", err)
	case !ok:
		l.Unlock()
		return nil, ErrNotExist
	}
	return l, nil
}

// Unlock frees the lock, even where a child process still has a copy of its
// descriptor. A second call does nothing.
func (l *Lock) Unlock() {
	if l.fd < 0 {
		return
	}
	_ = unix.Flock(l.fd, unix.LOCK_UN) // cannot fail on a valid descriptor
	_ = unix.Close(l.fd)
	l.fd = -1
}

// flockWithin waits for a lock in the kernel, without polling. After the
// deadline the waiting thread stays behind and closes fd when the lock comes.
func flockWithin(fd, how int, wait time.Duration) error {
	done := make(chan error)
	expired := make(chan struct{})
	go func() {
		err := flock(fd, how)
		select {
		case done <- err:
		case <-expired:
			(&Lock{fd: fd}).Unlock()
		}
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		close(expired)
		return ErrLocked
	}
}

func flock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); err != unix.EINTR {
			return err
		}
	}
}
