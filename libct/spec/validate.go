package spec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Validate refuses a configuration that could not be carried out on any Linux
// host, or that would give less isolation than it asks for. The error is one
// line that begins with the field's path. It refuses what runc refuses, except
// for what only the host can tell (is a joined network namespace the host's
// own, is a controller there), which is left to compile.
func Validate(s *specs.Spec) error {
	for _, check := range [...]func(*specs.Spec) error{
		validateVersion, validateRoot, validateProcess, validateMounts, validateHooks, validateLinux,
		validateNames, validateIDsMapped,
	} {
		if err := check(s); err != nil {
			return err
		}
	}
	return nil
}

// validateVersion wants a semantic version 1.x: runtime-spec config.md
// #specification-version.
func validateVersion(s *specs.Spec) error {
	v := s.Version
	if v == "" {
		return errors.New("ociVersion: must not be empty")
	}
	core, build, hasBuild := strings.Cut(v, "+")
	core, pre, hasPre := strings.Cut(core, "-")
	parts := strings.Split(core, ".")
	ok := len(parts) == 3 && isNumber(parts[0]) && isNumber(parts[1]) && isNumber(parts[2])
	if !ok || hasPre && !areIdentifiers(pre) || hasBuild && !areIdentifiers(build) {
		return fmt.Errorf("ociVersion: want a semantic version, have %s", quote(v))
	}
	if parts[0] != "1" {
		return fmt.Errorf("ociVersion: %s is not supported, want 1.x", quote(v))
	}
	return nil
}

func isNumber(s string) bool {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// areIdentifiers says whether s is dot-separated words of a version's suffix.
func areIdentifiers(s string) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" || !onlyOf(id, isLetter, isDigit, isByte('-')) {
			return false
		}
	}
	return true
}

func validateRoot(s *specs.Spec) error {
	switch {
	case s.Root == nil:
		return errors.New("root: must not be empty")
	case s.Root.Path == "":
		return errors.New("root.path: must not be empty")
	}
	return noNUL("root.path", s.Root.Path)
}

// validateNames checks hostname and domainname, which the kernel keeps per uts
// namespace in 64 bytes (__NEW_UTS_LEN).
func validateNames(s *specs.Spec) error {
	for _, f := range [...]struct{ field, name string }{
		{"hostname", s.Hostname}, {"domainname", s.Domainname},
	} {
		switch {
		case f.name == "":
			continue
		case !has(s.Linux, specs.UTSNamespace):
			return fmt.Errorf("%s: needs a private uts namespace", f.field)
		case len(f.name) > 64:
			return fmt.Errorf("%s: longer than 64 bytes", f.field)
		}
		if err := noNUL(f.field, f.name); err != nil {
			return err
		}
	}
	return nil
}

// noNUL refuses a string the kernel would see only the head of.
func noNUL(field, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("%s: must not contain a NUL byte", field)
	}
	return nil
}

// noNULs is noNUL for a list.
func noNULs(field string, list []string) error {
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("%s[%d]: must not contain a NUL byte", field, i)
		}
	}
	return nil
}

// absolute wants a path from /.
func absolute(field, path string) error {
	switch {
	case path == "":
		return fmt.Errorf("%s: must not be empty", field)
	case path[0] != '/':
		return fmt.Errorf("%s: must be absolute, have %s", field, quote(path))
	}
	return noNUL(field, path)
}

// each runs check on every element and puts the element's path before its
// error, which begins with .member or with ": ".
func each[T any](field string, list []T, check func(*T) error) error {
	for i := range list {
		if err := check(&list[i]); err != nil {
			return fmt.Errorf("%s[%d]%w", field, i, err)
		}
	}
	return nil
}

// eachKey is each for a map, in the order of its keys, so that the same file
// always gets the same error.
func eachKey[T any](field string, m map[string]T, check func(string, T) error) error {
	if len(m) == 0 {
		return nil
	}
	for _, key := range sortedKeys(m) {
		if err := check(key, m[key]); err != nil {
			return fmt.Errorf("%s[%s]%w", field, quote(key), err)
		}
	}
	return nil
}

// quote shows text of a hostile file in an error: quoted, cut at 64 bytes.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "..."
	}
	return strconv.Quote(s)
}

// onlyOf says whether every byte of s is of one of the classes.
func onlyOf(s string, classes ...func(byte) bool) bool {
next:
	for i := range len(s) {
		for _, in := range classes {
			if in(s[i]) {
				continue next
			}
		}
		return false
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// isVisible says whether c is ASCII and neither a control nor a space.
func isVisible(c byte) bool { return c > ' ' && c < 0x7f }

func isByte(want byte) func(byte) bool { return func(c byte) bool { return c == want } }

// between refuses a number out of a range.
func between(field string, n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("%s: must be from %d to %d, have %d", field, low, high, n)
	}
	return nil
}
