package libct

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/seccomp"
)

// cacheDir holds compiled filters below --root; no id begins with an at sign.
const cacheDir = "@seccomp"

// filters compiles seccomp profiles, keeping the programs under a directory.
type filters struct {
	root  int // descriptor of --root, or -1 for no cache
	facts host.Facts
}

// compile returns the filter of a profile, nil if there is none.
func (f filters) compile(profile *specs.LinuxSeccomp) (*compile.Filter, error) {
	if profile == nil {
		return nil, nil
	}
	h := seccomp.Host{Arch: runtime.GOARCH, SupportedFlags: uint32(f.facts.SeccompFlags())}
	key := seccomp.Key(profile, h)
	name := fmt.Sprintf("%x", key[:16])
	p := f.load(name)
	if p == nil {
		var err error
		if p, err = seccomp.Compile(profile, h); err != nil {
			return nil, fmt.Errorf("linux.seccomp: %w", err)
		}
		if p == nil {
			return nil, nil
		}
		f.save(name, p)
	}
	out := &compile.Filter{Flags: p.Flags, Notify: p.Notify, Program: make([]byte, 0, len(p.Insns)*8)}
	for _, i := range p.Insns {
		out.Program = append(out.Program, byte(i.Code), byte(i.Code>>8), i.Jt, i.Jf,
			byte(i.K), byte(i.K>>8), byte(i.K>>16), byte(i.K>>24))
	}
	return out, nil
}

// load reads a program back; whatever is wrong with the file, the profile is
// compiled anew.
func (f filters) load(name string) *seccomp.Program {
	if f.root < 0 {
		return nil
	}
	fd, err := unix.Openat2(f.root, cacheDir+"/"+name, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	buf := make([]byte, 64<<10)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err != nil {
			return nil
		}
		if m == 0 {
			break
		}
		n += m
	}
	p, err := seccomp.Parse(buf[:n])
	if err != nil {
		return nil
	}
	return p
}

// save is done as well as it can be: without a cache everything works.
func (f filters) save(name string, p *seccomp.Program) {
	if f.root < 0 {
		return
	}
	_ = unix.Mkdirat(f.root, cacheDir, 0o700)
	dir, err := unix.Openat(f.root, cacheDir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(dir)
	_ = publish(dir, name, p.Marshal(), 0o600)
}
