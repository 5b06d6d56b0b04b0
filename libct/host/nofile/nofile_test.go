// The tests are in a package of their own: test files inside package nofile
// would give it imports, and so initialise it after package syscall.
package nofile_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"rt/libct/host/nofile"
)

const childEnv = "NOFILE_TEST_CHILD"

// TestMain lets the test binary stand in for a program that prints what it
// recorded and what package syscall made of it.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
			panic(err)
		}
		soft, hard, ok := nofile.Inherited()
		fmt.Println(soft, hard, ok, now.Cur > soft)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestInheritedIsWhatTheParentSet(t *testing.T) {
	var own syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &own); err != nil {
		t.Fatal(err)
	}
	want := syscall.Rlimit{Cur: 57, Max: own.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &own); err != nil {
			t.Error(err)
		}
	}()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{childEnv + "=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	// The last word shows that the limit was raised afterwards, without which
	// this test would prove nothing.
	if got, want := string(out), fmt.Sprintln(57, own.Max, true, true); got != want {
		t.Errorf("child recorded %q, want %q", got, want)
	}
}
