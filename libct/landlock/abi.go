package landlock

import "fmt"

// An ABI of Landlock is a number that the kernel tells; each has what those
// before it had.

// Newest is the newest ABI whose restrictions this package knows.
const Newest = 6

// abis is what each ABI can restrict, by number. A kernel without Landlock has
// ABI 0.
var abis = [Newest + 1]struct {
	fs    FS
	net   Net
	scope Scope
}{
	{},
	{MakeSym<<1 - 1, 0, 0},                  // Linux 5.13
	{Refer<<1 - 1, 0, 0},                    // 5.19
	{Truncate<<1 - 1, 0, 0},                 // 6.2
	{Truncate<<1 - 1, ConnectTCP<<1 - 1, 0}, // 6.7
	{IoctlDev<<1 - 1, ConnectTCP<<1 - 1, 0}, // 6.10
	{IoctlDev<<1 - 1, ConnectTCP<<1 - 1, Signal<<1 - 1}, // 6.12
}

// ABIError tells that a kernel has not the ABI that a container demands.
type ABIError struct {
	// Want is what annotation org.rt.landlock.abi says, Have the kernel's.
	Want, Have int
}

func (e *ABIError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("annotations[%q]: ABI %d of Landlock is asked for, and it is not enabled in this kernel", Prefix+annotABI, e.Want)
	}
	return fmt.Sprintf("annotations[%q]: ABI %d of Landlock is asked for, this kernel has %d", Prefix+annotABI, e.Want, e.Have)
}

// At is what can be had of the rules on a kernel with that ABI, nil if nothing
// can, and what is lost. What is lost is free; but moving a file to another
// directory, which a restriction of any right on files forbids, can be allowed
// only from ABI 2 on. The error is an *ABIError.
func (r *Rules) At(abi int) (have *Rules, lost []string, err error) {
	if abi < r.AtLeast {
		return nil, nil, &ABIError{Want: r.AtLeast, Have: abi}
	}
	can := abis[min(abi, Newest)]
	have = &Rules{HandledFS: r.HandledFS & can.fs, HandledNet: r.HandledNet & can.net, Scoped: r.Scoped & can.scope, AtLeast: r.AtLeast}
	for _, p := range r.Paths {
		if p.Allowed &= can.fs; p.Allowed != 0 {
			have.Paths = append(have.Paths, p)
		}
	}
	for _, p := range r.Ports {
		if p.Allowed &= can.net; p.Allowed != 0 {
			have.Ports = append(have.Ports, p)
		}
	}
	if have.HandledFS != 0 && r.HandledFS&Refer == 0 && can.fs&Refer != 0 {
		have.HandledFS |= Refer
		have.Paths = append([]Path{{Name: "/", Allowed: Refer}}, have.Paths...)
	}
	have.merge()
	lost = r.lost(have)
	if have.HandledFS == 0 && have.HandledNet == 0 && have.Scoped == 0 {
		return nil, lost, nil
	}
	return have, lost, nil
}

// lost names the restrictions of r that are not in have.
func (r *Rules) lost(have *Rules) (lost []string) {
	if r.HandledFS != 0 && have.HandledFS == 0 && r.HandledFS&abis[1].fs != 0 {
		lost = append(lost, "files")
	} else {
		if r.HandledFS&Truncate&^have.HandledFS != 0 {
			lost = append(lost, "truncation of files (ABI 3)")
		}
		if r.HandledFS&IoctlDev&^have.HandledFS != 0 {
			lost = append(lost, "ioctl of devices (ABI 5)")
		}
	}
	if r.HandledNet&^have.HandledNet != 0 {
		lost = append(lost, "TCP ports (ABI 4)")
	}
	if r.Scoped&^have.Scoped != 0 {
		lost = append(lost, "signals and abstract sockets (ABI 6)")
	}
	return lost
}
