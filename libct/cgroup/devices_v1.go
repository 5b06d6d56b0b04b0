package cgroup

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// policy is what the v1 controller can hold: a default and exceptions to it
// (cgroup-v1/devices.rst).
type policy struct {
	allow      bool
	exceptions []rule // allow == !policy.allow; one per device
}

// reduce applies rules in their order to "deny all". Rules for type a with
// numbers or partial access mean both block and character devices; writing
// them to the kernel as they are would mean everything.
func reduce(rules []rule) (policy, error) {
	var p policy
	for _, r := range rules {
		if r.all() {
			p = policy{allow: r.allow}
			continue
		}
		kinds := []byte{r.kind}
		if r.kind == 'a' {
			kinds = []byte{'b', 'c'}
		}
		for _, r.kind = range kinds {
			if err := p.add(r); err != nil {
				return policy{}, err
			}
		}
	}
	return p, nil
}

// add puts one rule on top: what differs from the default becomes an
// exception, what agrees with it takes away from the exceptions before.
func (p *policy) add(r rule) error {
	for i := range p.exceptions {
		e := &p.exceptions[i]
		switch {
		case r.allow != p.allow:
			if r.covers(e) && e.covers(&r) {
				e.access |= r.access
				return nil
			}
		case r.covers(e):
			e.access &^= r.access
		case r.overlaps(e) && r.access&e.access != 0:
			// The kernel ignores a rule that takes away part of a wildcard.
			return fmt.Errorf("device rule %s: cgroup v1 cannot take it out of the wildcard %s", r.String(), e.String())
		}
	}
	if r.allow != p.allow {
		p.exceptions = append(p.exceptions, r)
	}
	return nil
}

// covers says that r is about every device that other is about.
func (r *rule) covers(other *rule) bool {
	return r.kind == other.kind && (r.major == anyNumber || r.major == other.major) &&
		(r.minor == anyNumber || r.minor == other.minor)
}

// overlaps says that there is a device that both are about.
func (r *rule) overlaps(other *rule) bool {
	return r.kind == other.kind &&
		(r.major == anyNumber || other.major == anyNumber || r.major == other.major) &&
		(r.minor == anyNumber || other.minor == anyNumber || r.minor == other.minor)
}

// String formats a rule as the kernel's files do: "c 1:3 rwm".
func (r *rule) String() string {
	star := func(n int64) string {
		if n == anyNumber {
			return "*"
		}
		return strconv.FormatInt(n, 10)
	}
	return string(r.kind) + " " + star(r.major) + ":" + star(r.minor) + " " + r.access.String()
}

// parseDevicesList reads devices.list. Of a group that allows by default it
// does not tell the exceptions.
func parseDevicesList(text string) (policy, error) {
	var p policy
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line == "" {
			continue
		}
		r, ok := parseLine(line)
		if !ok {
			return policy{}, fmt.Errorf("read devices.list: unknown line %q", line)
		}
		if r.kind == 'a' {
			return policy{allow: true}, nil
		}
		p.exceptions = append(p.exceptions, r)
	}
	return p, nil
}

func parseLine(line string) (r rule, ok bool) {
	kind, rest, ok1 := strings.Cut(line, " ")
	numbers, perms, ok2 := strings.Cut(rest, " ")
	major, minor, ok3 := strings.Cut(numbers, ":")
	if !ok1 || !ok2 || !ok3 || len(kind) != 1 || strings.IndexByte("abc", kind[0]) < 0 {
		return rule{}, false
	}
	var err1, err2 error
	r = rule{allow: true, kind: kind[0]}
	r.major, err1 = parseNumber(major)
	r.minor, err2 = parseNumber(minor)
	r.access, ok = parseAccess(perms)
	return r, ok && err1 == nil && err2 == nil
}

func parseNumber(s string) (int64, error) {
	if s == "*" {
		return anyNumber, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return int64(n), err
}

// transition returns the rules to write, in their order, to get from one
// policy to another. A running process loses no access for a moment that it
// keeps in the end, unless the default changes.
func transition(from, to policy) []rule {
	var rules []rule
	have := from.exceptions
	// The exceptions of an allowing group are unknown: begin anew.
	if from.allow || from.allow != to.allow {
		rules = append(rules, rule{to.allow, 'a', anyNumber, anyNumber, allAccess})
		have = nil
	}
	rules = appendMissing(rules, have, to.exceptions, !to.allow)
	return appendMissing(rules, to.exceptions, have, to.allow)
}

// appendMissing appends the part of want that have lacks, as rules that
// allow or deny.
func appendMissing(rules, have, want []rule, allow bool) []rule {
	for _, w := range want {
		for i := range have {
			if h := &have[i]; h.covers(&w) && w.covers(h) {
				w.access &^= h.access
			}
		}
		if w.access != 0 {
			w.allow = allow
			rules = append(rules, w)
		}
	}
	return rules
}

// applyDevicesV1 writes devices.deny and devices.allow. A group that was
// made just now has no process that could notice.
func (d *dir) applyDevicesV1(rules []rule) error {
	want, err := reduce(rules)
	if err != nil {
		return err
	}
	have := policy{allow: true}
	if d.made == 0 {
		text, err := readKnob(d.path, "devices.list")
		if err != nil {
			return err
		}
		if have, err = parseDevicesList(text); err != nil {
			return err
		}
	}
	return d.writeRules(transition(have, want))
}

// writeRules opens each of the two files once.
func (d *dir) writeRules(rules []rule) (err error) {
	files := [2]string{"devices.deny", "devices.allow"}
	fds := [2]int{-1, -1}
	for i := range rules {
		r, which := &rules[i], 0
		if r.allow {
			which = 1
		}
		if fds[which] < 0 {
			if fds[which], err = open(d.path+"/"+files[which], unix.O_WRONLY); err != nil {
				err = pathError("open", d.path+"/"+files[which], err)
				break
			}
		}
		if err = write(fds[which], r.String()); err != nil {
			if r.all() && errors.Is(err, unix.EINVAL) {
				err = fmt.Errorf("%w (%s has children, and only one without can begin anew)", err, d.path)
			}
			err = writeError(files[which], r.String(), err)
			break
		}
	}
	for _, fd := range fds {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}
