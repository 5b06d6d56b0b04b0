package dbus

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// peer is the other side of a connection: what it sends, after the greeting was
// heard and after each message that comes.
type peer struct {
	address string
	listen  int
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{}
	path := filepath.Join(t.TempDir(), "bus")
	p.address = "unix:path=" + Escape(path)
	var err error
	if p.listen, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p.listen) })
	if err = unix.Bind(p.listen, &unix.SockaddrUnix{Name: path}); err == nil {
		err = unix.Listen(p.listen, 5)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve accepts one connection and sends answers, one after each thing heard.
// It returns what it heard, when the connection is closed.
func (p *peer) serve(answers ...string) <-chan string {
	heard := make(chan string, 1)
	go func() {
		fd, _, err := unix.Accept4(p.listen, unix.SOCK_CLOEXEC)
		if err != nil {
			heard <- err.Error()
			return
		}
		defer unix.Close(fd)
		all, buf := "", make([]byte, 4096)
		for {
			n, err := unix.Read(fd, buf)
			if n <= 0 || err != nil {
				heard <- all
				return
			}
			all += string(buf[:n])
			if len(answers) == 0 {
				continue
			}
			if answers[0] == "close" {
				heard <- all
				return
			}
			_ = unix.Sendto(fd, []byte(answers[0]), unix.MSG_NOSIGNAL, nil)
			answers = answers[1:]
		}
	}()
	return heard
}

// message makes a message such as a server sends.
func message(kind byte, fields []Value, sig string, args ...Value) string {
	var body []byte
	for _, v := range args {
		body = v.append(body)
	}
	if sig != "" {
		fields = append(fields, Struct{Byte(fieldSignature), Variant{TypeSignature(sig)}})
	}
	b := []byte{'l', kind, 0, 1}
	b = Uint32(len(body)).append(b)
	b = Uint32(77).append(b)
	b = Array{Elem: "(yv)", Items: fields}.append(b)
	return string(append(pad(b, 8), body...))
}

func reply(serial uint32, sig string, args ...Value) string {
	return message(kindReply, []Value{Struct{Byte(fieldReplySerial), Variant{Uint32(serial)}}}, sig, args...)
}

func refusal(serial uint32, name, text string) string {
	return message(kindError, []Value{
		Struct{Byte(fieldReplySerial), Variant{Uint32(serial)}}, Struct{Byte(fieldErrorName), Variant{String(name)}},
	}, "s", String(text))
}

func signal(name string, args ...Value) string {
	return message(kindSignal, []Value{Struct{Byte(fieldMember), Variant{String(name)}}}, signatures(args), args...)
}

const welcome = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n"

var hello = Call{Path: "/", Interface: "a.b", Member: "Hello"}

func dial(t *testing.T, p *peer, timeout time.Duration) *Conn {
	t.Helper()
	c, err := Dial(p.address, "Kept", timeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConn(t *testing.T) {
	p := newPeer(t)
	heard := p.serve(welcome, signal("Kept", Uint32(1))+signal("Other", Uint32(2))+reply(1, "s", String("hi")),
		refusal(2, "a.Error", "no\n")+signal("Kept", Uint32(3)))
	c := dial(t, p, 10*time.Second)
	got, err := c.Call(hello)
	if err != nil || len(got) != 1 || got[0] != String("hi") {
		t.Errorf("%v (%v)", got, err)
	}
	_, err = c.Call(hello)
	var refused *Error
	if !errors.As(err, &refused) || refused.Name != "a.Error" || err.Error() != "no" {
		t.Errorf("a refusal: %v", err)
	}
	for _, want := range []Uint32{1, 3} {
		m, err := c.Signal()
		if err != nil {
			t.Fatal(err)
		}
		if body, err := m.Body(); err != nil || body[0] != want {
			t.Errorf("signal %v (%v), want %v", body, err, want)
		}
	}
	c.Close()
	if text := <-heard; !strings.HasPrefix(text, "\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nl\x01") || strings.Count(text, "Hello") != 2 {
		t.Errorf("heard %q", text)
	}
}

// TestPipeline: two calls are on their way at once.
func TestPipeline(t *testing.T) {
	p := newPeer(t)
	p.serve(welcome, reply(1, "u", Uint32(1))+reply(2, "u", Uint32(2)))
	c := dial(t, p, 10*time.Second)
	defer c.Close()
	first, second := c.Send(hello), c.Send(hello)
	for i, serial := range []uint32{first, second} {
		if got, err := c.Reply(serial); err != nil || got[0] != Uint32(i+1) {
			t.Errorf("reply %d: %v (%v)", serial, got, err)
		}
	}
}

// TestConnFails: every failure is an error, and none takes for ever.
func TestConnFails(t *testing.T) {
	for want, answers := range map[string][]string{
		`authenticate: "REJECTED EXTERNAL"`:   {"REJECTED EXTERNAL\r\n"},
		"authenticate: the answer is no line": {strings.Repeat("x", 2000)},
		"the connection was closed":           {"close"},
		"no answer within 100ms":              {welcome},
		errValue.Error():                      {welcome, strings.Repeat("X", 16)},
		errShort.Error():                      {welcome, "l\x02\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x08\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"},
		errType.Error():                       {welcome, reply(1, "zz")},
	} {
		p := newPeer(t)
		p.serve(answers...)
		timeout := 10 * time.Second
		if strings.Contains(want, "100ms") {
			timeout = 100 * time.Millisecond
		}
		c := dial(t, p, timeout)
		if _, err := c.Call(hello); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		c.Close()
	}
}

func TestDial(t *testing.T) {
	p := newPeer(t)
	p.serve(welcome, reply(1, ""))
	c, err := Dial("unix:path=/nonexistent/bus;"+p.address, "", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Call(hello); err != nil {
		t.Error(err)
	}
	for address, want := range map[string]string{
		"unix:path=/nonexistent/bus": "unix:path=/nonexistent/bus: no such file or directory",
		"tcp:host=x":                 "tcp:host=x: not the address of a unix socket",
		"unix:dir=/x":                "unix:dir=/x: the address has no path",
		"unix:path=/%4":              "unix:path=/%4: the address ends within an escape",
		"unix:path=/%zz":             "unix:path=/%zz: the address has a bad escape",
		"":                           ": not the address of a unix socket",
	} {
		if _, err := Dial(address, "", time.Second); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
	if _, err := Dial("unix:path="+strings.Repeat("/x", 100), "", time.Second); err == nil {
		t.Error("a path that is too long")
	}
}

func TestEscape(t *testing.T) {
	for path, want := range map[string]string{"/run/user/1000/bus": "/run/user/1000/bus", "/a b%;,=": "/a%20b%25%3b%2c%3d"} {
		if got := Escape(path); got != want {
			t.Errorf("Escape(%q) = %q", path, got)
		}
		if got, err := unescape(want); got != path || err != nil {
			t.Errorf("unescape(%q) = %q, %v", want, got, err)
		}
	}
}
