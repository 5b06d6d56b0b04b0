package dbus

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxSignals bounds the signals that are kept while a reply is waited for.
const maxSignals = 1 << 12

// Conn is a connection. It is not safe for concurrent use. Every wait ends
// after the timeout given to Dial.
type Conn struct {
	fd      int
	timeout time.Duration
	serial  uint32
	out     []byte // not sent yet
	in      []byte // received and not parsed yet
	greeted bool
	keep    string
	signals []*Message
}

// The client's part of the SASL conversation (D-Bus specification,
// "Authentication Protocol"), sent at once: the kernel tells the other side who
// we are, so the identity is left empty, which is right in a user namespace too.
const greeting = "\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"

// Dial connects to the first address of a list such as
// "unix:path=/run/dbus/system_bus_socket;…" that answers. keep names a signal:
// others are dropped. It does not wait for the answer to the authentication,
// the first call does.
func Dial(addresses, keep string, timeout time.Duration) (*Conn, error) {
	var errs []error
	for address := range strings.SplitSeq(addresses, ";") {
		name, err := socketName(address)
		if err == nil {
			var fd int
			if fd, err = connect(name, timeout); err == nil {
				return &Conn{fd: fd, timeout: timeout, keep: keep}, nil
			}
		}
		errs = append(errs, fmt.Errorf("%s: %w", address, err))
	}
	return nil, errors.Join(errs...)
}

// socketName reads one address: of its keys path and abstract count.
func socketName(address string) (string, error) {
	rest, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return "", errors.New("not the address of a unix socket")
	}
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := unescape(value)
		switch {
		case err != nil:
			return "", err
		case key == "path" && name != "":
			return name, nil
		case key == "abstract" && name != "":
			return "@" + name, nil
		}
	}
	return "", errors.New("the address has no path")
}

// unescape decodes %XX.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		const digits = "0123456789abcdef"
		if i+2 >= len(s) {
			return "", errors.New("the address ends within an escape")
		}
		hi, lo := strings.IndexByte(digits, s[i+1]|0x20), strings.IndexByte(digits, s[i+2]|0x20)
		if hi < 0 || lo < 0 {
			return "", errors.New("the address has a bad escape")
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), nil
}

// Escape encodes a path for an address.
func Escape(path string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(path) {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-_/.\\*", c) >= 0
		if plain {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// connect waits, up to the timeout, for a place in the queue of a listener that
// is busy.
func connect(name string, timeout time.Duration) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	wait := unix.NsecToTimeval(int64(timeout))
	if err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait); err == nil {
		for {
			if err = unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != unix.EINTR {
				break
			}
		}
	}
	if err == nil {
		// The buffer is empty and takes it whole.
		_, err = unix.SendmsgN(fd, []byte(greeting), nil, nil, unix.MSG_NOSIGNAL)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// Send queues a call and returns its serial number, for Reply. It is sent when
// something is waited for.
func (c *Conn) Send(call Call) uint32 {
	c.serial++
	c.out = append(c.out, call.marshal(c.serial)...)
	return c.serial
}

// Call sends a call and waits for its reply. The error is *Error if the other
// side refused.
func (c *Conn) Call(call Call) ([]Value, error) { return c.Reply(c.Send(call)) }

// Reply waits for the reply of a call. Replies of earlier calls are dropped.
func (c *Conn) Reply(serial uint32) ([]Value, error) {
	deadline := time.Now().Add(c.timeout)
	for {
		m, err := c.receive(deadline)
		switch {
		case err != nil:
			return nil, err
		case m.kind == kindSignal:
			if m.Member == c.keep && len(c.signals) < maxSignals {
				c.signals = append(c.signals, m)
			}
		case m.replySerial != serial:
		case m.kind == kindError:
			return nil, m.fail()
		case m.kind == kindReply:
			return m.Body()
		}
	}
}

// Signal waits for the next of the signals that are kept.
func (c *Conn) Signal() (*Message, error) {
	if len(c.signals) > 0 {
		m := c.signals[0]
		c.signals = c.signals[1:]
		return m, nil
	}
	deadline := time.Now().Add(c.timeout)
	for {
		m, err := c.receive(deadline)
		if err != nil || m.kind == kindSignal && m.Member == c.keep {
			return m, err
		}
	}
}

// receive sends what is queued and returns the next message.
func (c *Conn) receive(deadline time.Time) (*Message, error) {
	for {
		m, err := c.unqueue()
		if m != nil || err != nil {
			return m, err
		}
		if err := c.exchange(deadline); err != nil {
			return nil, err
		}
	}
}

// unqueue parses a message out of what was received, nil if more is needed.
func (c *Conn) unqueue() (*Message, error) {
	if !c.greeted {
		if err := c.welcome(); err != nil || !c.greeted {
			return nil, err
		}
	}
	if len(c.in) < headerSize {
		return nil, nil
	}
	_, fields, body, err := sizes(c.in)
	if err != nil {
		return nil, err
	}
	size := headerSize + fields + body
	if len(c.in) < size {
		return nil, nil
	}
	m, err := parse(bytes.Clone(c.in[:size]))
	c.in = append(c.in[:0], c.in[size:]...)
	return m, err
}

// welcome reads the answers to the greeting: DATA and OK.
func (c *Conn) welcome() error {
	for {
		line, rest, ok := bytes.Cut(c.in, []byte("\r\n"))
		switch {
		case !ok && len(c.in) > 1<<10:
			return errors.New("authenticate: the answer is no line")
		case !ok:
			return nil
		case bytes.Equal(line, []byte("DATA")):
			c.in = rest
		case bytes.HasPrefix(line, []byte("OK ")):
			c.in, c.greeted = bytes.Clone(rest), true
			return nil
		default:
			return fmt.Errorf("authenticate: %q", line)
		}
	}
}

// exchange writes what can be written and reads what is there, after waiting
// for either.
func (c *Conn) exchange(deadline time.Time) error {
	events := int16(unix.POLLIN)
	// systemd overlooks a call that comes together with the greeting.
	if len(c.out) > 0 && c.greeted {
		events |= unix.POLLOUT
	}
	left := time.Until(deadline)
	if left <= 0 {
		return fmt.Errorf("no answer within %v", c.timeout)
	}
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: events}}
	if _, err := unix.Poll(fds, int(left/time.Millisecond)+1); err != nil {
		if err == unix.EINTR {
			return nil
		}
		return err
	}
	if fds[0].Revents&unix.POLLOUT != 0 {
		n, err := unix.SendmsgN(c.fd, c.out, nil, nil, unix.MSG_NOSIGNAL)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return err
		}
		c.out = c.out[max(n, 0):]
	}
	if fds[0].Revents&^unix.POLLOUT == 0 {
		return nil
	}
	buf := make([]byte, 16<<10)
	n, err := unix.Read(c.fd, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return err
	case n == 0:
		return errors.New("the connection was closed")
	}
	c.in = append(c.in, buf[:n]...)
	return nil
}
