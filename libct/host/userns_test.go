package host

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const childEnv = "HOST_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		f, err := Probe()
		if err != nil {
			panic(err)
		}
		if f.InitialUserns || f.Privileged() || f.EUID != 0 || !f.Effective.Has(21) {
			panic(f.String())
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A process with every capability in a user namespace that maps ids to
// themselves looks like root by its uid_map, but is not.
func TestIdentityUsernsIsNotPrivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<32 - 1}}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childEnv + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("child: %v\n%s", err, out)
	}
}
