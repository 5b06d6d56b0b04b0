package compile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

// TestGoldenExec compiles testdata/exec/*.txtar, where the section "join" lists
// the namespaces. With -update it writes the plans.
func TestGoldenExec(t *testing.T) {
	files, err := filepath.Glob("testdata/exec/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := readArchive(data)
			var join []string
			if err := json.Unmarshal([]byte(a.sections["join"]), &join); err != nil {
				t.Fatal(err)
			}
			namespaces := uint64(0)
			for _, name := range join {
				namespaces |= namespaceFlags[name]
			}
			in := input(t, a)
			got := ""
			if p, err := Exec(in, namespaces); err != nil {
				got = "error: " + err.Error() + "\n"
			} else {
				got = p.String()
				if err := execInvariants(in, p, namespaces); err != nil {
					t.Error(err)
				}
			}
			if *update {
				a.set("plan", got)
				if err := os.WriteFile(file, a.bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := a.sections["plan"]; got != want {
				t.Errorf("the plan has changed (go test ./libct/compile -update):\n%s", difference(want, got))
			}
		})
	}
}

var namespaceFlags = map[string]uint64{
	"user": unix.CLONE_NEWUSER, "mnt": unix.CLONE_NEWNS, "pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET,
	"ipc": unix.CLONE_NEWIPC, "uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME,
}

// execInvariants are what holds for every plan of exec.
func execInvariants(in Input, p *plan.Plan, namespaces uint64) error {
	for _, check := range []func(Input, *plan.Plan) error{filterPlace, guarded, labelled, descriptors} {
		if err := check(in, p); err != nil {
			return fmt.Errorf("%w, in\n%s", err, p)
		}
	}
	at := func(name string) int {
		return slices.IndexFunc(p.Ops, func(o plan.Op) bool { return o.Call.Name == name })
	}
	dumpable := slices.IndexFunc(p.Ops, func(o plan.Op) bool { return o.Call.Name == "prctl" && o.Args[0].N == unix.PR_SET_DUMPABLE })
	setns, closed, clone := at("setns"), at("close_range"), at("clone3")
	restrict := at("landlock_restrict_self")
	rules, _, err := Landlock(&in)
	if err != nil {
		return err
	}
	switch {
	case p.Clone != 0:
		return fmt.Errorf("the first clone makes namespaces: %#x", p.Clone)
	case (setns >= 0) != (namespaces != 0) || len(find(p, called("setns"))) > 1:
		return fmt.Errorf("setns at %d for %#x", setns, namespaces)
	case setns >= 0 && (dumpable < 0 || dumpable > setns || closed > setns):
		return fmt.Errorf("setns at %d, PR_SET_DUMPABLE at %d, close_range at %d", setns, dumpable, closed)
	case (clone >= 0) != (namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0) || clone >= 0 && clone < setns:
		return fmt.Errorf("clone3 at %d, setns at %d", clone, setns)
	case (restrict >= 0) != (rules != nil) || restrict > at("capset") || restrict >= 0 && restrict < max(setns, clone):
		return fmt.Errorf("landlock_restrict_self at %d for %+v", restrict, rules)
	case namespaces&unix.CLONE_NEWNS == 0 && at("chroot") < 0:
		return fmt.Errorf("the root is the host's")
	}
	for i := range p.Ops {
		o := &p.Ops[i]
		if n := o.Call.Name; i < closed && (n == "chdir" || n == "openat" || n == "openat2" && !onSlot(p, o, SlotProcfs)) || n == "mkdirat" || n == "mount" {
			return fmt.Errorf("op %d %s", i, p.Line(i))
		}
	}
	return nil
}
