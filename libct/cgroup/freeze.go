package cgroup

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// freezeWait bounds how long Freeze waits for processes in the kernel.
const freezeWait = 10 * time.Second

// freezer returns the directory that freezes: v2 where there is one, since
// it freezes reliably and tells when it has.
func (g *Group) freezer() (*dir, error) {
	if d := g.v2(); d != nil {
		return d, nil
	}
	if d := g.v1("freezer"); d != nil {
		return d, nil
	}
	if g.members() == nil {
		return nil, errors.New("cannot toggle freezer: cgroups not configured for container")
	}
	return nil, fmt.Errorf("freezer: %w", ErrNoController)
}

// Freeze stops all processes and returns when they have stopped. If they
// have not within ten seconds it thaws them and returns ErrTimeout.
func (g *Group) Freeze() error {
	d, err := g.freezer()
	if err != nil {
		return err
	}
	if err = d.freeze(soon(freezeWait)); err != nil {
		_ = d.thaw() // better running than half frozen; err is what matters
	}
	return err
}

// Thaw lets the processes go on, whoever froze them: on a hybrid host others
// may use the v1 freezer.
func (g *Group) Thaw() error {
	d, err := g.freezer()
	if err != nil {
		return err
	}
	if err := d.thaw(); err != nil {
		return err
	}
	if v1 := g.v1("freezer"); v1 != nil && v1 != d {
		return v1.thaw()
	}
	return nil
}

// Frozen says whether the group itself, not an ancestor, is frozen or about
// to be. A group that does not exist or cannot be frozen is not.
func (g *Group) Frozen() (bool, error) {
	d, err := g.freezer()
	if err != nil {
		return false, nil
	}
	frozen, err := d.frozen()
	if v1 := g.v1("freezer"); err == nil && !frozen && v1 != nil && v1 != d {
		frozen, err = v1.frozen()
	}
	if absent(err) {
		return false, nil
	}
	return frozen, err
}

// FrozenIn is Frozen for the paths of a record (see Paths), without the reading
// of the layout that only writers need: it opens one file of a fixed name for
// reading in each of two directories.
func FrozenIn(paths map[string]string) (bool, error) {
	for _, controller := range [...]string{"", "freezer"} {
		path, ok := paths[controller]
		if !ok {
			continue
		}
		d := dir{Hierarchy: Hierarchy{Controllers: []string{controller}, V2: controller == ""}, path: path}
		frozen, err := d.frozen()
		if frozen || err != nil && !absent(err) {
			return frozen, err
		}
	}
	return false, nil
}

func (d *dir) freeze(deadline time.Time) error {
	if d.V2 {
		if err := writeFile(d.path, "cgroup.freeze", "1"); err != nil {
			return err
		}
		return awaitEvent(d.path, "frozen 1", deadline)
	}
	return d.freezeV1(deadline)
}

// freezeV1 repeats the request while the state is FREEZING: in v1 a process
// that forks or joins at the wrong moment escapes the first one. Now and then
// it thaws, so that who holds others up can go on.
func (d *dir) freezeV1(deadline time.Time) error {
	const spins, thawEvery = 3, 50
	var delay time.Duration
	for try := 1; ; try++ {
		if try%thawEvery == 0 {
			if err := d.thaw(); err != nil {
				return err
			}
			if !pause(&delay, deadline) {
				return pathError("freeze", d.path, ErrTimeout)
			}
		}
		if err := writeFile(d.path, "freezer.state", "FROZEN"); err != nil {
			return err
		}
		state, err := readKnob(d.path, "freezer.state")
		switch {
		case err != nil || state == "FROZEN":
			return err
		case try > spins && !pause(&delay, deadline):
			return pathError("freeze", d.path, ErrTimeout)
		}
	}
}

func (d *dir) thaw() error {
	if d.V2 {
		return writeFile(d.path, "cgroup.freeze", "0")
	}
	return writeFile(d.path, "freezer.state", "THAWED")
}

// frozen reports what was asked of the group. A v1 directory of another
// controller is never frozen.
func (d *dir) frozen() (bool, error) {
	file := "freezer.self_freezing"
	switch {
	case d.V2:
		file = "cgroup.freeze"
	case !d.has("freezer"):
		return false, nil
	}
	text, err := readRecord(d.path+"/"+file, maxKnob)
	if err != nil && err != unix.ENOENT {
		return false, pathError("read", d.path+"/"+file, err)
	}
	return text == "1\n", nil
}
