package compile

import (
	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

// loopback brings up the loopback device of a new network namespace, as every
// runtime does.
func (c *compiler) loopback() {
	if c.ns.made&unix.CLONE_NEWNET == 0 {
		return
	}
	c.b.Step("bring up lo")
	// struct ifreq: a name of 16 bytes, then the flags (netdevice(7)).
	request := make([]byte, 40)
	copy(request, "lo")
	request[16] = unix.IFF_UP
	s := c.b.Slot("socket")
	c.b.Add(plan.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0).To(s),
		plan.Ioctl(s, unix.SIOCSIFFLAGS, plan.B(request, "{lo, IFF_UP}")))
	c.done(s)
}
