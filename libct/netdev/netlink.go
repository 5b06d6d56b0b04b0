package netdev

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// answerWait bounds the wait for the kernel, which answers at once.
const answerWait = 10 * time.Second

var errAnswer = errors.New("netlink answer not understood")

var native = binary.NativeEndian

// socket is a NETLINK_ROUTE socket.
type socket struct {
	fd  int
	seq uint32
}

func dial() (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	s := &socket{fd: fd}
	tv := unix.NsecToTimeval(answerWait.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		s.close()
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		s.close()
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	return s, nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// message is a request being built: a body of fixed size, then attributes.
type message []byte

// attr appends an attribute, padded to four bytes.
func (m message) attr(kind uint16, data []byte) message {
	m = native.AppendUint16(m, uint16(unix.SizeofRtAttr+len(data)))
	m = native.AppendUint16(m, kind)
	m = append(m, data...)
	for len(m)%unix.RTA_ALIGNTO != 0 {
		m = append(m, 0)
	}
	return m
}

// request sends a message and calls each for the body of every answer but the
// final acknowledgement.
func (s *socket) request(kind, flags uint16, body message, each func(kind uint16, body []byte) error) error {
	s.seq++
	b := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = native.AppendUint16(b, kind)
	b = native.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = native.AppendUint32(b, s.seq)
	b = native.AppendUint32(b, 0) // filled in by the kernel
	if err := unix.Sendto(s.fd, append(b, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	buf := make([]byte, 64*1024) // a dump's messages are at most 32 KiB
	for {
		n, from, err := unix.Recvfrom(s.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		if kernel, ok := from.(*unix.SockaddrNetlink); !ok || kernel.Pid != 0 {
			continue // any process may send to our socket
		}
		if done, err := s.answers(buf[:n], each); done || err != nil {
			return err
		}
	}
}

// answers goes through one datagram of answers.
func (s *socket) answers(b []byte, each func(kind uint16, body []byte) error) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(native.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return false, errAnswer
		}
		kind, seq, body := native.Uint16(b[4:]), native.Uint32(b[8:]), b[unix.SizeofNlMsghdr:size]
		b = b[min(align(size), len(b)):]
		if seq != s.seq {
			continue
		}
		switch kind {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			return true, errorOf(body)
		}
		if each != nil {
			if err := each(kind, body); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// errorOf reads a struct nlmsgerr; number zero is an acknowledgement.
func errorOf(body []byte) error {
	if len(body) < 4 {
		return errAnswer
	}
	if errno := -int32(native.Uint32(body)); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

func align(n int) int { return (n + 3) &^ 3 }

// typeMask is NLA_TYPE_MASK: the bits above are flags.
const typeMask = 0x3fff

// attributes calls f for every attribute in b.
func attributes(b []byte, f func(kind uint16, data []byte)) error {
	for len(b) >= unix.SizeofRtAttr {
		size := int(native.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return errAnswer
		}
		f(native.Uint16(b[2:])&typeMask, b[unix.SizeofRtAttr:size])
		b = b[min(align(size), len(b)):]
	}
	return nil
}
