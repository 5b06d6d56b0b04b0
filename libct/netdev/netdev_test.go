package netdev

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"eth0", "a", "x.1", "...", strings.Repeat("x", 15), "wg-ü"} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a:b", "a b", "a\tb", "eth%d", "a\x00", strings.Repeat("x", 16)} {
		if err := CheckName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// sandbox is a pair of network namespaces. Its test runs on a thread in the
// first, and the thread ends with the test.
type sandbox struct {
	*testing.T
	here, there *socket
	netns       int // of there
}

func inSandbox(t *testing.T, f func(*sandbox)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		s := &sandbox{T: t}
		s.there, s.netns = s.namespace()
		defer func() { _ = unix.Close(s.netns) }()
		defer s.there.close()
		var home int
		s.here, home = s.namespace()
		defer func() { _ = unix.Close(home) }()
		defer s.here.close()
		f(s)
	}()
	<-done
}

// namespace takes the thread to a new network namespace.
func (s *sandbox) namespace() (*socket, int) {
	s.must(unix.Unshare(unix.CLONE_NEWNET))
	ns, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	s.must(err)
	sock, err := dial()
	s.must(err)
	return sock, ns
}

// must fails the test and ends its goroutine, which FailNow may not do.
func (s *sandbox) must(err error) {
	s.Helper()
	if err != nil {
		s.Error(err)
		runtime.Goexit()
	}
}

// device makes a veth that is up; its other end does not matter.
func (s *sandbox) device(sock *socket, name string) link {
	s.Helper()
	return s.make(sock, "veth", name)
}

func (s *sandbox) make(sock *socket, kind, name string) link {
	s.Helper()
	info := message(nil).attr(unix.IFLA_INFO_KIND, []byte(kind))
	m := ifinfomsg(0, 0, 0).attr(unix.IFLA_IFNAME, zeroTerminated(name)).attr(unix.IFLA_LINKINFO, info)
	s.must(sock.request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, m, nil))
	l, err := sock.link(name)
	s.must(err)
	s.must(sock.setFlags(l.index, unix.IFF_UP))
	return l
}

// address adds an address of any scope, for ever or for an hour.
func (s *sandbox) address(index int32, cidr string, scope byte, forEver bool) {
	s.Helper()
	p := netip.MustParsePrefix(cidr)
	family := byte(unix.AF_INET6)
	if p.Addr().Is4() {
		family = unix.AF_INET
	}
	m := message{family, byte(p.Bits()), unix.IFA_F_NODAD, scope}
	m = native.AppendUint32(m, uint32(index))
	m = m.attr(unix.IFA_LOCAL, p.Addr().AsSlice()).attr(unix.IFA_ADDRESS, p.Addr().AsSlice())
	if !forEver {
		var info []byte // struct ifa_cacheinfo
		for _, n := range []uint32{3600, 3600, 0, 0} {
			info = native.AppendUint32(info, n)
		}
		m = m.attr(unix.IFA_CACHEINFO, info)
	}
	s.must(s.here.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK, m, nil))
}

func (s *sandbox) addresses(sock *socket, index int32) []string {
	s.Helper()
	all, err := sock.addresses(index)
	s.must(err)
	var texts []string
	for _, a := range all {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	return texts
}

func TestMove(t *testing.T) {
	inSandbox(t, func(s *sandbox) {
		for _, newName := range []string{"", "eth0"} {
			name := "dev" + newName
			l := s.device(s.here, name)
			s.address(l.index, "192.0.2.7/24", unix.RT_SCOPE_UNIVERSE, true)
			s.address(l.index, "2001:db8::7/64", unix.RT_SCOPE_UNIVERSE, true)
			s.address(l.index, "192.0.2.8/24", unix.RT_SCOPE_UNIVERSE, false)
			s.address(l.index, "198.51.100.1/24", unix.RT_SCOPE_LINK, true)
			s.must(Move(name, newName, s.netns))
			if _, err := s.here.link(name); err != unix.ENODEV {
				t.Errorf("%s is still here: %v", name, err)
			}
			if newName == "" {
				newName = name
			}
			moved, err := s.there.link(newName)
			s.must(err)
			if moved.flags&unix.IFF_UP == 0 {
				t.Errorf("%s is down", newName)
			}
			want := []string{"192.0.2.7/24", "2001:db8:0:0:0:0:0:7/64"}
			if got := s.addresses(s.there, moved.index); !slices.Equal(got, want) {
				t.Errorf("addresses %v, want %v", got, want)
			}
		}
	})
}

func TestMoveFails(t *testing.T) {
	inSandbox(t, func(s *sandbox) {
		l := s.make(s.here, "bridge", "br") // which cannot be moved
		s.address(l.index, "192.0.2.7/24", unix.RT_SCOPE_UNIVERSE, true)
		s.address(l.index, "2001:db8::7/64", unix.RT_SCOPE_UNIVERSE, true)
		s.device(s.there, "taken")
		s.device(s.here, "dev")
		null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		s.must(err)
		defer func() { _ = unix.Close(null) }()
		for _, c := range []struct {
			name, newName string
			netns         int
			errno         error
			text          string
		}{
			{"none", "", s.netns, unix.ENODEV, "network device none: look up: no such device"},
			{"dev", "taken", s.netns, unix.EEXIST, "network device dev: move to the container as taken: file exists"},
			{"dev", "", null, unix.EINVAL, "network device dev: setns to the container's network namespace: invalid argument"},
			{"dev", "a/b", s.netns, ErrName, `network device dev: invalid network device name "a/b"`},
			{"br", "", s.netns, unix.EINVAL, "network device br: move to the container as br: "},
			{"lo", "x", s.netns, nil, "network device lo: move to the container as x: "},
		} {
			err := Move(c.name, c.newName, c.netns)
			if err == nil || c.errno != nil && !errors.Is(err, c.errno) || !strings.HasPrefix(err.Error(), c.text) {
				t.Errorf("%v\nwant %s", err, c.text)
			}
		}
		if _, err := s.here.link("dev"); err != nil {
			t.Errorf("dev: %v", err)
		}
		after, err := s.here.link("br")
		s.must(err)
		if after.flags&unix.IFF_UP == 0 {
			t.Error("the device was left down")
		}
		if got := fmt.Sprint(s.addresses(s.here, after.index)); got != "[192.0.2.7/24 2001:db8:0:0:0:0:0:7/64]" {
			t.Errorf("addresses %s", got)
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte{16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = new(socket).answers(data, func(_ uint16, body []byte) error {
			if len(body) >= unix.SizeofIfAddrmsg {
				_, _ = parseAddress(body)
			}
			return nil
		})
	})
}
