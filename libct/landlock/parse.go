package landlock

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxRules bounds paths and ports, each of which is a system call or three.
const maxRules = 1024

// set takes one annotation.
func (r *Rules) set(name, value string) error {
	for _, k := range kinds {
		if k.name == name {
			r.HandledFS |= k.fs
			return r.paths(value, k.fs)
		}
	}
	for _, p := range ports {
		if p.name == name {
			r.HandledNet |= p.net
			return r.ports(value, p.net)
		}
	}
	switch name {
	case annotABI:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not the number of an ABI", value)
		}
		r.AtLeast = int(n)
		return nil
	case annotScope:
		return r.scope(value)
	}
	return errors.New("is not an annotation of Landlock's")
}

// paths reads "/usr:-/opt/maybe": absolute paths between colons, of which those
// after a minus sign need not be there. A backslash takes the next character as
// it is.
func (r *Rules) paths(value string, allowed FS) error {
	list, err := split(value)
	if err != nil {
		return err
	}
	for _, name := range list {
		name, optional := strings.CutPrefix(name, "-")
		if !strings.HasPrefix(name, "/") {
			return fmt.Errorf("%q is not an absolute path", name)
		}
		r.Paths = append(r.Paths, Path{Name: clean(name), Allowed: allowed, Optional: optional})
	}
	if len(r.Paths) > maxRules {
		return fmt.Errorf("more than %d paths", maxRules)
	}
	return nil
}

// split cuts at colons; empty parts are left out.
func split(value string) (list []string, err error) {
	var part []byte
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == 0:
			return nil, errors.New("a path has a zero byte")
		case c == ':':
			list, part = append(list, string(part)), nil
		case c == '\\' && i+1 == len(value):
			return nil, errors.New("ends in a backslash")
		case c == '\\':
			i++
			part = append(part, value[i])
		default:
			part = append(part, c)
		}
	}
	all := append(list, string(part))
	list = all[:0]
	for _, p := range all {
		if p != "" {
			list = append(list, p)
		}
	}
	return list, nil
}

// clean takes out what a path has for nothing. Two dots stay as they are: what
// they mean is known only where links are followed.
func clean(path string) string {
	var parts []string
	for p := range strings.SplitSeq(path, "/") {
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return "/" + strings.Join(parts, "/")
}

// ports reads "80,8000-8010".
func (r *Rules) ports(value string, allowed Net) error {
	for part := range strings.SplitSeq(value, ",") {
		if part == "" {
			continue
		}
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || a > b {
			return fmt.Errorf("%q is not a TCP port, nor a range of them", part)
		}
		if b-a >= maxRules || len(r.Ports)+int(b-a) >= maxRules {
			return fmt.Errorf("more than %d ports", maxRules)
		}
		for ; a <= b; a++ {
			r.Ports = append(r.Ports, Port{Number: uint16(a), Allowed: allowed})
		}
	}
	return nil
}

// scope reads "signal,abstract_unix_socket".
func (r *Rules) scope(value string) error {
	for word := range strings.SplitSeq(value, ",") {
		known := word == ""
		for _, s := range scopes {
			if s.name == word {
				r.Scoped |= s.scope
				known = true
			}
		}
		if !known {
			return fmt.Errorf("%q is neither signal nor abstract_unix_socket", word)
		}
	}
	if r.Scoped == 0 {
		return errors.New("names no scope")
	}
	return nil
}
