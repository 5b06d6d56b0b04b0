package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

const systemRoot = "/run/rt"

// defaultRoot is where the state of containers is kept without --root:
// $XDG_RUNTIME_DIR/rt for a user.
func defaultRoot() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && honorXDG() {
		return filepath.Join(dir, "rt")
	}
	return systemRoot
}

// honorXDG is runc's rule: not for root, but for root of a user namespace
// unless $USER says that it plays the system's root.
func honorXDG() bool {
	if os.Geteuid() != 0 {
		return true
	}
	if !inUserns() {
		return false
	}
	user, ok := os.LookupEnv("USER")
	return !ok || user != "root"
}

// inUserns reports whether ids are mapped otherwise than one to one.
func inUserns() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// stateRoot returns the absolute --root. The default one of a user is made
// with the sticky bit, without which tmpfiles cleaners may remove its contents
// (XDG Base Directory Specification, $XDG_RUNTIME_DIR).
func stateRoot(c *cli.Context) (string, error) {
	root := c.String("root")
	if !c.IsSet("root") {
		if root == systemRoot {
			return root, nil
		}
		return root, makeSticky(root)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	if root == "/" {
		//lint:ignore ST1005 runc's words
		return "", errors.New("Option --root argument should not be set to /")
	}
	return root, nil
}

func makeSticky(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		fmt.Fprintln(os.Stderr, "the path in $XDG_RUNTIME_DIR must be writable by the user")
		return err
	}
	if err := os.Chmod(dir, 0o700|os.ModeSticky); err != nil {
		fmt.Fprintln(os.Stderr, "you should check permission of the path in $XDG_RUNTIME_DIR")
		return err
	}
	return nil
}
