package store

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Names of the files in a container's directory.
const (
	recordName  = "state.json"
	cgroupsName = "cgroups"
	execName    = "exec.fifo"
	statusName  = "status.fifo"
)

// Dir is the directory of one container, held by descriptor: after another
// command has removed it, or removed it and claimed the id anew, writing
// through this Dir fails and harms nobody.
type Dir struct {
	root *Root
	id   string
	fd   int
}

// ID returns the container's id.
func (d *Dir) ID() string { return d.id }

// FD returns the directory's descriptor, valid until Close.
func (d *Dir) FD() int { return d.fd }

// Close closes the directory.
func (d *Dir) Close() error { return unix.Close(d.fd) }

// fail names the container in an error.
func (d *Dir) fail(what string, err error) error {
	return fmt.Errorf("%s of %q: %w", what, d.id, err)
}

// linked reports whether the root still holds this directory under its id.
func (d *Dir) linked() (bool, error) {
	var here, there unix.Stat_t
	if err := unix.Fstat(d.fd, &here); err != nil {
		return false, err
	}
	err := unix.Fstatat(d.root.fd, d.id, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return false, nil
	}
	return err == nil && here.Dev == there.Dev && here.Ino == there.Ino, err
}

// Claim makes a container of a new id, whose first trace is its record, status
// creating. The error is ErrExist if the id is taken. What a killed Claim
// leaves is a directory without a record, which is no container and which the
// next Claim takes over.
func (r *Root) Claim(id string, rec *Record) (*Dir, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	if r.fd < 0 {
		return nil, fmt.Errorf("root %s: %w", r.path, unix.ENOENT)
	}
	for {
		if err := unix.Mkdirat(r.fd, id, 0o700); err != nil && err != unix.EEXIST {
			return nil, fmt.Errorf("state of %q: mkdir: %w", id, err)
		}
		d, err := r.Open(id)
		if errors.Is(err, ErrNotExist) {
			continue // a delete in between
		}
		if err != nil {
			return nil, existing(err)
		}
		err = d.claim(rec)
		if err == nil {
			return d, nil
		}
		_ = d.Close()
		if errors.Is(err, ErrNotExist) {
			continue // deleted before the lock was ours
		}
		return nil, err
	}
}

// existing turns "there is something that is no container" into ErrExist.
func existing(err error) error {
	if errors.Is(err, ErrCorrupt) {
		return ErrExist
	}
	return err
}

func (d *Dir) claim(rec *Record) error {
	lock, err := d.Lock(Exclusive)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	empty, err := d.empty()
	if err != nil {
		return d.fail("state", err)
	}
	if !empty {
		return ErrExist
	}
	rec.Version, rec.ID, rec.Status = recordVersion, d.id, Creating
	if err := d.write(rec, nil); err != nil {
		// Nobody else could add anything under the lock: back to nothing.
		return errors.Join(err, d.removeAll())
	}
	return nil
}

// empty reports whether there is nothing in the directory but temporary files.
func (d *Dir) empty() (bool, error) {
	names, err := readNames(d.fd, maxIDs)
	for _, name := range names {
		if name[0] != tempMark {
			return false, nil
		}
	}
	return err == nil, err
}

// Remove removes the directory and all in it, the record last, so that a kill
// in between leaves a container that can be deleted again. A container already
// removed is no error.
func (d *Dir) Remove() error {
	lock, err := d.Lock(Exclusive)
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return d.removeAll()
}

func (d *Dir) removeAll() error {
	if err := clear(d.fd, recordName, 0); err != nil {
		return d.fail("remove state", err)
	}
	if err := unix.Unlinkat(d.fd, recordName, 0); err == unix.EISDIR {
		if err := clear(d.fd, "", 0); err != nil {
			return d.fail("remove state", err)
		}
	} else if err != nil && err != unix.ENOENT {
		return d.fail("remove state", err)
	}
	if err := unix.Unlinkat(d.root.fd, d.id, unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT {
		return d.fail("remove state", err)
	}
	return nil
}
