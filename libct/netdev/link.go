package netdev

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// link is what has to be known of a device.
type link struct {
	index int32
	flags uint32
}

// ifinfomsg is a struct ifinfomsg.
func ifinfomsg(index int32, flags, change uint32) message {
	m := make(message, 4, 64) // family, padding and type
	m = native.AppendUint32(m, uint32(index))
	m = native.AppendUint32(m, flags)
	return native.AppendUint32(m, change)
}

func zeroTerminated(s string) []byte { return append([]byte(s), 0) }

func (s *socket) link(name string) (l link, err error) {
	m := ifinfomsg(0, 0, 0).attr(unix.IFLA_IFNAME, zeroTerminated(name))
	err = s.request(unix.RTM_GETLINK, unix.NLM_F_ACK, m, func(kind uint16, body []byte) error {
		if kind != unix.RTM_NEWLINK || len(body) < unix.SizeofIfInfomsg {
			return errAnswer
		}
		l = link{index: int32(native.Uint32(body[4:])), flags: native.Uint32(body[8:])}
		return nil
	})
	if err == nil && l.index <= 0 {
		err = errAnswer
	}
	return l, err
}

// setFlags sets a device up (IFF_UP) or down (0).
func (s *socket) setFlags(index int32, flags uint32) error {
	return s.request(unix.RTM_NEWLINK, unix.NLM_F_ACK, ifinfomsg(index, flags, unix.IFF_UP), nil)
}

// setNamespace renames and moves in one request, so that the old name need not
// be free there, nor the new one here.
func (s *socket) setNamespace(index int32, name string, netns int) error {
	m := ifinfomsg(index, 0, 0).attr(unix.IFLA_IFNAME, zeroTerminated(name))
	m = m.attr(unix.IFLA_NET_NS_FD, native.AppendUint32(nil, uint32(netns)))
	return s.request(unix.RTM_NEWLINK, unix.NLM_F_ACK, m, nil)
}

// address is an address of a device, as the kernel gave it.
type address struct {
	family, prefix byte
	attrs          message // those that make the address
	ip             []byte
}

// String is plain rather than short; package net/netip would cost every start.
func (a address) String() string {
	if a.family == unix.AF_INET && len(a.ip) == 4 {
		return fmt.Sprintf("%d.%d.%d.%d/%d", a.ip[0], a.ip[1], a.ip[2], a.ip[3], a.prefix)
	}
	var b strings.Builder
	for i := 0; i+1 < len(a.ip); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%x", uint16(a.ip[i])<<8|uint16(a.ip[i+1]))
	}
	return fmt.Sprintf("%s/%d", b.String(), a.prefix)
}

// addresses returns a device's permanent addresses of global scope.
func (s *socket) addresses(index int32) (all []address, err error) {
	m := make(message, unix.SizeofIfAddrmsg)
	err = s.request(unix.RTM_GETADDR, unix.NLM_F_DUMP, m, func(kind uint16, body []byte) error {
		if kind != unix.RTM_NEWADDR || len(body) < unix.SizeofIfAddrmsg {
			return errAnswer
		}
		flags, scope := body[2], body[3]
		if int32(native.Uint32(body[4:])) != index || flags&unix.IFA_F_PERMANENT == 0 || scope != unix.RT_SCOPE_UNIVERSE {
			return nil
		}
		a, err := parseAddress(body)
		all = append(all, a)
		return err
	})
	return all, err
}

// parseAddress keeps IFA_LOCAL, IFA_ADDRESS (the peer, where there is one) and
// IFA_BROADCAST. The label is left behind: it begins with the old name.
func parseAddress(body []byte) (address, error) {
	a := address{family: body[0], prefix: body[1]}
	err := attributes(body[unix.SizeofIfAddrmsg:], func(kind uint16, data []byte) {
		switch kind {
		case unix.IFA_LOCAL, unix.IFA_ADDRESS, unix.IFA_BROADCAST:
			a.attrs = a.attrs.attr(kind, data)
		}
		if kind == unix.IFA_LOCAL || kind == unix.IFA_ADDRESS && a.ip == nil {
			a.ip = slices.Clone(data)
		}
	})
	if err == nil && a.ip == nil {
		err = errAnswer
	}
	return a, err
}

func (s *socket) addAddress(index int32, a address) error {
	m := message{a.family, a.prefix, unix.IFA_F_PERMANENT, unix.RT_SCOPE_UNIVERSE}
	m = native.AppendUint32(m, uint32(index))
	m = append(m, a.attrs...)
	return s.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, m, nil)
}
