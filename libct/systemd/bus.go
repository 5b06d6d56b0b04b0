package systemd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/dbus"
)

// timeout is how long systemd may take for one step, as in runc.
const timeout = 30 * time.Second

// ErrNotRunning says that no systemd runs here; the text is runc's.
var ErrNotRunning = errors.New("systemd not running on this host, cannot use systemd cgroups manager")

// Running reports whether systemd is the host's first process (sd_booted(3)).
func Running() bool {
	var st unix.Stat_t
	return unix.Lstat("/run/systemd/system", &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

const (
	managerName      = "org.freedesktop.systemd1"
	managerPath      = "/org/freedesktop/systemd1"
	managerInterface = "org.freedesktop.systemd1.Manager"
	busName          = "org.freedesktop.DBus"
)

// Bus is a connection to systemd. Its errors name the socket.
type Bus struct {
	conn    *dbus.Conn
	address string
	// destination is empty on systemd's own socket.
	destination string
}

// Connect connects to the host's systemd, or to the caller's own with user:
// straight to its private socket if that can be, which needs no registration
// and hears every signal; otherwise by way of a bus.
func Connect(user bool) (*Bus, error) {
	private, public, err := addresses(user)
	if err != nil {
		return nil, err
	}
	err = errors.New("connect to systemd")
	for _, a := range [...]struct{ address, destination string }{{private, ""}, {public, managerName}} {
		if a.address == "" {
			continue
		}
		b, failed := dial(a.address, a.destination)
		if failed == nil {
			return b, nil
		}
		err = fmt.Errorf("%w: %w", err, failed)
	}
	return nil, err
}

func dial(address, destination string) (*Bus, error) {
	conn, err := dbus.Dial(address, "JobRemoved", timeout)
	if err != nil {
		return nil, err
	}
	b := &Bus{conn: conn, address: address, destination: destination}
	if err := b.register(); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// addresses of systemd's own socket and of the bus.
func addresses(user bool) (private, public string, err error) {
	if !user {
		public = os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
		if public == "" {
			public = "unix:path=/run/dbus/system_bus_socket"
		}
		return "unix:path=/run/systemd/private", public, nil
	}
	public = os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		private = "unix:path=" + dbus.Escape(dir+"/systemd/private")
		if public == "" {
			public = "unix:path=" + dbus.Escape(dir+"/bus")
		}
	}
	if public == "" {
		err = errors.New("connect to the user's systemd: neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set")
	}
	return private, public, err
}

// register makes a bus deliver systemd's signals.
func (b *Bus) register() error {
	if b.destination == "" {
		return nil
	}
	daemon := dbus.Call{Destination: busName, Path: "/org/freedesktop/DBus", Interface: busName}
	hello, match := daemon, daemon
	hello.Member = "Hello"
	match.Member = "AddMatch"
	match.Args = []dbus.Value{dbus.String("type='signal',interface='" + managerInterface + "',member='JobRemoved'")}
	subscribe := b.method("Subscribe")
	for _, serial := range []uint32{b.conn.Send(hello), b.conn.Send(match), b.conn.Send(subscribe)} {
		if _, err := b.conn.Reply(serial); err != nil {
			return b.named(err)
		}
	}
	return nil
}

// Close closes the connection.
func (b *Bus) Close() error { return b.conn.Close() }

// method is a call of systemd's main object.
func (b *Bus) method(name string, args ...dbus.Value) dbus.Call {
	return dbus.Call{Destination: b.destination, Path: managerPath, Interface: managerInterface, Member: name, Args: args}
}

// named adds the socket to an error that is not systemd's own answer.
func (b *Bus) named(err error) error {
	var refusal *dbus.Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("systemd at %s: %w", b.address, err)
}

func (b *Bus) call(c dbus.Call) ([]dbus.Value, error) {
	reply, err := b.conn.Call(c)
	return reply, b.named(err)
}

// property reads a text property of an object.
func (b *Bus) property(object dbus.ObjectPath, of, name string) (string, error) {
	c := b.method("Get", dbus.String(of), dbus.String(name))
	c.Path, c.Interface = object, "org.freedesktop.DBus.Properties"
	reply, err := b.call(c)
	if err != nil {
		return "", fmt.Errorf("get property %s: %w", name, err)
	}
	if len(reply) == 1 {
		if v, ok := reply[0].(dbus.Variant); ok {
			if s, ok := v.Value.(dbus.String); ok {
				return string(s), nil
			}
		}
	}
	return "", b.named(fmt.Errorf("property %s is not a text", name))
}

// Root is the cgroup that this systemd manages, such as
// "/user.slice/user-1000.slice/user@1000.service"; "" for the whole tree.
func (b *Bus) Root() (string, error) {
	path, err := b.property(managerPath, managerInterface, "ControlGroup")
	if err == nil && path != "" && path[0] != '/' {
		err = b.named(fmt.Errorf("control group %q is not absolute", path))
	}
	return strings.TrimSuffix(path, "/"), err
}

// Version of systemd, such as 257 for "257.9-1~deb13u1".
func (b *Bus) Version() (int, error) {
	text, err := b.property(managerPath, managerInterface, "Version")
	if err != nil {
		return 0, err
	}
	return parseVersion(text)
}

func parseVersion(text string) (int, error) {
	digits := strings.TrimPrefix(text, "v")
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("version of systemd %q: not a number", text)
	}
	return n, nil
}
