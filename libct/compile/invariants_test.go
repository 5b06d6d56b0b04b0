package compile

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/landlock"
	"rt/libct/plan"
	"rt/libct/spec"
)

// invariants are what holds for every plan, whatever config.json says.
func invariants(in Input, p *plan.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	if n := len(p.Ops); n == 0 || p.Ops[n-1].Call.Name != "execve" {
		return fmt.Errorf("the plan does not end in execve")
	}
	for _, check := range []func(Input, *plan.Plan) error{inputsKnown, barriers, masksLast, filterPlace, labelled, restricted, bounded, guarded, hostKeepsMounts, pathsAfterPivot, descriptors} {
		if err := check(in, p); err != nil {
			return fmt.Errorf("%w, in\n%s", err, p)
		}
	}
	return nil
}

// find returns the indexes of the ops that are so.
func find(p *plan.Plan, is func(*plan.Op) bool) (list []int) {
	for i := range p.Ops {
		if is(&p.Ops[i]) {
			list = append(list, i)
		}
	}
	return list
}

func called(name string) func(*plan.Op) bool {
	return func(o *plan.Op) bool { return o.Call.Name == name }
}

func last(list []int) int {
	if len(list) == 0 {
		return -1
	}
	return list[len(list)-1]
}

// inputsKnown: package libct opens inputs of these names only.
func inputsKnown(in Input, p *plan.Plan) error {
	for _, s := range p.Slots {
		kind, _, numbered := strings.Cut(s.Name, " ")
		known := []string{SlotSync, SlotPeer}
		if in.Park {
			known = append(known, SlotExec, SlotStatus)
		}
		if NeedsProcfs(&in, in.Spec.Process) {
			known = append(known, SlotProcfs)
		}
		if NeedsBeneath(&in) {
			known = append(known, SlotBeneath)
		}
		if numbered {
			known = []string{"cgroup", "ns", "source", "idmap"}
		}
		if s.Input && !slices.Contains(known, kind) {
			return fmt.Errorf("input %q is not one that libct opens", s.Name)
		}
	}
	return nil
}

// barriers: what is written to the parent is one byte that it knows, and an
// answer is read right after. The last one is ready, and there is one of it.
func barriers(_ Input, p *plan.Plan) error {
	known := []byte{BarrierMaps, BarrierClone, BarrierCopyUp, BarrierIdmap, BarrierHooks, BarrierConsole, BarrierListener, BarrierReady}
	said := ""
	for _, i := range find(p, func(o *plan.Op) bool { return o.Call.Name == "write" && onSlot(p, o, SlotSync) }) {
		data, answer := p.Ops[i].Args[1].Data, &p.Ops[i+1]
		if len(data) != 1 || !slices.Contains(known, data[0]) {
			return fmt.Errorf("op %d: unknown barrier %q", i, data)
		}
		if answer.Call.Name != "read" || !onSlot(p, answer, SlotSync) || answer.Want.Kind != plan.WantResult || answer.Want.Value != 1 {
			return fmt.Errorf("op %d: no answer is waited for", i)
		}
		said += string(data)
	}
	if strings.Count(said, "r") != 1 || !strings.HasSuffix(said, "r") {
		return fmt.Errorf("barriers %q", said)
	}
	return nil
}

func onSlot(p *plan.Plan, o *plan.Op, name string) bool {
	return len(o.Args) > 0 && o.Args[0].Kind == plan.FromSlot && p.Slots[o.Args[0].N].Name == name
}

// masksLast: no mount comes after a mask that could cover it or be covered.
func masksLast(_ Input, p *plan.Plan) error {
	mask := func(o *plan.Op) bool {
		return strings.HasPrefix(o.Step, "mask ") || strings.HasPrefix(o.Step, "read-only path ")
	}
	first := len(p.Ops)
	if list := find(p, mask); len(list) > 0 {
		first = list[0]
	}
	mounts := find(p, func(o *plan.Op) bool {
		return (o.Call.Name == "move_mount" || o.Call.Name == "fsmount") && !mask(o) && o.Step != "move root"
	})
	if last(mounts) > first {
		return fmt.Errorf("op %d mounts after masks, which begin at %d", last(mounts), first)
	}
	if list := find(p, called("pivot_root")); len(list) > 0 && last(find(p, mask)) > list[0] {
		return fmt.Errorf("a mask comes after pivot_root")
	}
	return nil
}

// filterPlace: with no_new_privs the filter is on when everything is done that
// a filter may refuse; without it while the child is still privileged.
func filterPlace(in Input, p *plan.Plan) error {
	filters := find(p, called("seccomp"))
	if (in.Seccomp != nil) != (len(filters) == 1) {
		return fmt.Errorf("%d filters", len(filters))
	}
	if len(filters) == 0 {
		return nil
	}
	caps := last(find(p, called("capset")))
	nnp := find(p, func(o *plan.Op) bool { return o.Call.Name == "prctl" && o.Args[0].N == unix.PR_SET_NO_NEW_PRIVS })
	switch {
	case len(nnp) == 0 && filters[0] > caps:
		return fmt.Errorf("the filter comes after capabilities are dropped, and without no_new_privs")
	case len(nnp) > 0 && (filters[0] < caps || filters[0] < nnp[0]):
		return fmt.Errorf("the filter comes before capset or no_new_privs, so it could refuse them")
	}
	return nil
}

// labelled: the process's labels are written before anything of the container's
// is in reach, through what is then closed.
func labelled(in Input, p *plan.Plan) error {
	writes := find(p, func(o *plan.Op) bool {
		return o.Call.Name == "openat2" && strings.HasPrefix(o.Args[1].Text, "thread-self/")
	})
	reach := find(p, func(o *plan.Op) bool {
		return o.Call.Name == "openat" || o.Call.Name == "open_tree" || o.Call.Name == "setns" || o.Kind == plan.Clone
	})
	closes := find(p, func(o *plan.Op) bool { return o.Call.Name == "close" && onSlot(p, o, SlotProcfs) })
	if (len(writes) > 0) != NeedsProcfs(&in, in.Spec.Process) || len(writes) > 0 && (len(closes) != 1 || closes[0] > reach[0] || last(writes) > closes[0]) {
		return fmt.Errorf("labels at %v, closed at %v, the container in reach at %v", writes, closes, reach)
	}
	return nil
}

// restricted: Landlock's rules are made of what is there when all is mounted and
// nothing is dropped, and come into force once, before privileges and descriptors
// go, and after all that they could forbid.
func restricted(in Input, p *plan.Plan) error {
	r, _, err := Landlock(&in)
	if err != nil {
		return err
	}
	rules, force := find(p, called("landlock_add_rule")), find(p, called("landlock_restrict_self"))
	if r == nil && len(rules)+len(force) == 0 {
		return nil
	}
	if r == nil || len(force) != 1 {
		return fmt.Errorf("%d rules, %d restrictions for %+v", len(rules), len(force), r)
	}
	root := find(p, func(o *plan.Op) bool { return o.Call.Name == "pivot_root" || o.Call.Name == "chroot" })
	mounts := find(p, func(o *plan.Op) bool {
		return (o.Call.Name == "move_mount" && o.Step != "move root") || o.Call.Name == "mkdirat" || o.Call.Name == "mknodat" || o.Call.Name == "mount_setattr"
	})
	opens := find(p, func(o *plan.Op) bool {
		return o.Call.Name == "openat2" || o.Call.Name == "openat" && o.Args[2].N&unix.O_PATH == 0
	})
	if last(rules) > root[0] || last(opens) > force[0] || last(mounts) > force[0] {
		return fmt.Errorf("op %d %s: not where it belongs", force[0], p.Line(force[0]))
	}
	if gone := find(p, func(o *plan.Op) bool { return o.Call.Name == "close_range" || o.Call.Name == "capset" }); len(gone) > 0 && force[0] > gone[0] {
		return fmt.Errorf("op %d: privileges have gone before", force[0])
	}
	return nil
}

// bounded: what process.capabilities.bounding does not name is dropped, and
// without process.capabilities all: execve gives root the whole bounding set.
func bounded(in Input, p *plan.Plan) error {
	drops := find(p, func(o *plan.Op) bool { return o.Call.Name == "prctl" && o.Args[0].N == unix.PR_CAPBSET_DROP })
	want := in.Facts.LastCap + 1
	if caps := in.Spec.Process.Capabilities; caps != nil {
		for n := range want {
			if slices.ContainsFunc(caps.Bounding, func(name string) bool { k, ok := spec.Capability(name); return ok && int(k) == n }) {
				want--
			}
		}
	}
	if len(drops) != want || last(drops) > last(find(p, called("setresuid"))) {
		return fmt.Errorf("%d capabilities are dropped from the bounding set, not %d", len(drops), want)
	}
	return nil
}

// guarded: after the last change of ids, which clears both, the child dies with
// its parent and cannot be looked into. Only after ready may it outlive it.
func guarded(_ Input, p *plan.Plan) error {
	ids := last(find(p, func(o *plan.Op) bool {
		return o.Call.Name == "setresuid" || o.Call.Name == "setresgid" || o.Kind == plan.Clone
	}))
	ready := last(find(p, func(o *plan.Op) bool { return o.Call.Name == "read" && onSlot(p, o, SlotSync) }))
	prctl := func(option, value uint64) int {
		return last(find(p, func(o *plan.Op) bool {
			return o.Call.Name == "prctl" && o.Args[0].N == option && o.Args[1].N == value
		}))
	}
	if at := prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL)); at < ids || at > ready {
		return fmt.Errorf("the parent's death is not armed after the last change of ids")
	}
	if at := prctl(unix.PR_SET_DUMPABLE, 0); at < ids {
		return fmt.Errorf("dumpable after the last change of ids")
	}
	if at := prctl(unix.PR_SET_PDEATHSIG, 0); at < ready {
		return fmt.Errorf("the parent's death is disarmed before it is ready")
	}
	return nil
}

// hostKeepsMounts: dropping the old root unmounts nothing on the host, since
// every mount beneath it takes part in none of the host's by then.
func hostKeepsMounts(_ Input, p *plan.Plan) error {
	drops := find(p, func(o *plan.Op) bool { return o.Call.Name == "umount2" && o.Args[0].Text == "." })
	for i := range drops {
		apart := false
		for j := range drops[i] {
			o := &p.Ops[j]
			switch o.Call.Name {
			case "mount":
				flags := o.Args[3].N
				apart = apart || o.Args[1].Text == "/" && flags&unix.MS_REC != 0 && flags&(unix.MS_SLAVE|unix.MS_PRIVATE) != 0
			case "mount_setattr":
				apart = apart || o.Step == "pivot_root" && o.Args[2].N&unix.AT_RECURSIVE != 0
			}
		}
		if !apart {
			return fmt.Errorf("op %d %s: the host's mounts are shared", drops[i], p.Line(drops[i]))
		}
	}
	return nil
}

// pathsAfterPivot: once the container's root is the root, its links are
// followed by whatever takes a path: only the working directory and the program
// may be named, and nothing is opened for reading or writing.
func pathsAfterPivot(_ Input, p *plan.Plan) error {
	pivot := find(p, func(o *plan.Op) bool { return o.Call.Name == "pivot_root" || o.Call.Name == "chroot" })
	if len(pivot) != 1 {
		return fmt.Errorf("%d changes of root", len(pivot))
	}
	terminal := len(find(p, called("pivot_root"))) == 0 // without a mount namespace /dev/pts is named
	for i := pivot[0] + 1; i < len(p.Ops); i++ {
		o := &p.Ops[i]
		ok := true
		switch o.Call.Name {
		case "umount2":
			ok = o.Args[0].Text == "."
		case "openat":
			ok = o.Args[2].N&unix.O_PATH != 0
		case "openat2":
			ok = terminal && o.Args[1].Text == "/dev/pts/ptmx"
		case "mount_setattr":
			ok = o.Step == "pivot_root" && o.Args[1].Text == "" || o.Args[1].Text == "/" && (strings.HasPrefix(o.Step, "linux.rootfsPropagation") || o.Step == "root.readonly")
		case "fchownat":
			ok = o.Args[1].Text == ""
		case "open_tree", "move_mount", "mount", "fsopen", "mknodat", "symlinkat", "unlinkat", "fchmodat", "pivot_root", "setns":
			ok = false
		}
		if !ok {
			return fmt.Errorf("op %d %s after the change of root", i, p.Line(i))
		}
	}
	return nil
}

// descriptors: nothing is put on a preserved descriptor, what the child keeps
// lies right above them, below the inputs, and nothing closed is used again.
func descriptors(in Input, p *plan.Plan) error {
	next := 3 + in.PreserveFds
	kept := map[uint64]bool{}
	closed := false
	for i := range p.Ops {
		o := &p.Ops[i]
		for _, a := range o.Args {
			if a.Kind == plan.FromSlot && closed && !kept[a.N] && p.Slots[a.N].Name != SlotBeneath {
				return fmt.Errorf("op %d %s uses a closed descriptor", i, p.Line(i))
			}
		}
		switch o.Call.Name {
		case "dup3":
			to := int(o.Args[1].N)
			if o.Args[1].Kind == plan.FromSlot {
				// Onto an input's number, which lies above.
				if p.Slots[to].Name != SlotBeneath {
					return fmt.Errorf("op %d %s: onto another's number", i, p.Line(i))
				}
				continue
			}
			if to < 3 {
				continue
			}
			if to != next || to >= 3+in.PreserveFds+LastFds || uint64(o.Into) != o.Args[0].N {
				return fmt.Errorf("op %d %s: descriptor %d is expected", i, p.Line(i), next)
			}
			next++
			kept[o.Args[0].N] = true
		case "close_range":
			if closed || int(o.Args[0].N) != next {
				return fmt.Errorf("op %d %s: %d is the first to close", i, p.Line(i), next)
			}
			closed = true
		case "close":
			delete(kept, o.Args[0].N)
		default:
			if closed && o.Into != plan.None {
				kept[uint64(o.Into)] = true
			}
		}
	}
	if !closed {
		return fmt.Errorf("no close_range")
	}
	return nil
}

// TestInvariantsSee: each invariant notices what it is for.
func TestInvariantsSee(t *testing.T) {
	data, err := os.ReadFile("testdata/seccomp.txtar")
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, readArchive(data))
	in.Spec.Linux.MaskedPaths = []string{"/proc/kcore"}
	in.Spec.Process.ApparmorProfile = "p"
	in.Spec.Annotations = map[string]string{landlock.Prefix + "fs.read": "/a:-/b", landlock.Prefix + "net.bind": "1"}
	in.Facts.Landlock = 6
	in.Spec.Mounts = []specs.Mount{{Destination: "/a", Type: "tmpfs"}}
	move := func(p *plan.Plan, from, to int) {
		o := p.Ops[from]
		p.Ops = slices.Insert(slices.Delete(p.Ops, from, from+1), to, o)
	}
	for name, spoil := range map[string]func(p *plan.Plan){
		"nothing": nil,
		"execve":  func(p *plan.Plan) { p.Ops = p.Ops[:len(p.Ops)-1] },
		"input": func(p *plan.Plan) {
			p.Slots[slices.IndexFunc(p.Slots, func(s plan.SlotInfo) bool { return s.Name == "root" })].Input = true
		},
		"barrier": func(p *plan.Plan) { p.Ops[last(find(p, called("write")))].Args[1].Data = []byte("?") },
		"answer":  func(p *plan.Plan) { i := last(find(p, called("write"))); p.Ops = slices.Delete(p.Ops, i+1, i+2) },
		"mask": func(p *plan.Plan) {
			move(p, last(find(p, func(o *plan.Op) bool { return o.Step == "mask /proc/kcore" })), 0)
		},
		"label": func(p *plan.Plan) {
			at := find(p, func(o *plan.Op) bool { return o.Call.Name == "close" && onSlot(p, o, SlotProcfs) })[0]
			move(p, at, find(p, called("openat"))[0])
		},
		"rules after pivot": func(p *plan.Plan) {
			move(p, last(find(p, called("landlock_add_rule"))), last(find(p, called("pivot_root"))))
		},
		"restricted too late": func(p *plan.Plan) {
			move(p, find(p, called("landlock_restrict_self"))[0], last(find(p, called("capset"))))
		},
		"not restricted": func(p *plan.Plan) {
			at := find(p, called("landlock_restrict_self"))[0]
			p.Ops = slices.Delete(p.Ops, at, at+1)
		},
		"filter": func(p *plan.Plan) { move(p, last(find(p, called("seccomp"))), last(find(p, called("capset")))) },
		"bounding": func(p *plan.Plan) {
			p.Ops[last(find(p, func(o *plan.Op) bool { return o.Call.Name == "prctl" && o.Args[0].N == unix.PR_CAPBSET_DROP }))].Args[0].N = 8
		},
		"death signal":   func(p *plan.Plan) { move(p, last(find(p, called("setresuid"))), len(p.Ops)-2) },
		"path":           func(p *plan.Plan) { move(p, find(p, called("open_tree"))[0], last(find(p, called("pivot_root")))) },
		"kept":           func(p *plan.Plan) { p.Ops[find(p, called("dup3"))[0]].Args[1].N = 4 },
		"closed":         func(p *plan.Plan) { move(p, find(p, called("fchdir"))[0], len(p.Ops)-2) },
		"close_range":    func(p *plan.Plan) { p.Ops[find(p, called("close_range"))[0]].Args[0].N = 3 },
		"no close_range": func(p *plan.Plan) { i := find(p, called("close_range"))[0]; p.Ops = slices.Delete(p.Ops, i, i+1) },
	} {
		p, err := Container(in)
		if err != nil {
			t.Fatal(err)
		}
		if spoil != nil {
			spoil(p)
		}
		if err := invariants(in, p); (err == nil) != (spoil == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
