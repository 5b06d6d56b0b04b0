package libct

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/spec"
	"rt/libct/store"
)

// keptFile has what later processes of a container are made from: exec's, and
// startContainer hooks. The bundle's config.json can be gone by then, or
// changed.
const keptFile = "process"

// kept is its content: four parts, with a NUL between.
type kept struct {
	// spec has process without args, linux.personality, linux.memoryPolicy, and
	// of linux.seccomp where the listener is.
	spec *specs.Spec
	// home is the home directory of the container's user, if it has no HOME.
	home string
	// noNewKeyring is the flag of create.
	noNewKeyring bool
	// filter is the container's seccomp filter, or nil.
	filter *compile.Filter
}

// keepProcess stores it.
func (c *creation) keepProcess() error {
	s := c.input.Spec
	p := *s.Process
	p.Args, p.CommandLine = nil, ""
	small := specs.Spec{Version: s.Version, Process: &p}
	if l := s.Linux; l != nil && (l.Personality != nil || l.MemoryPolicy != nil || l.Seccomp != nil) {
		small.Linux = &specs.Linux{Personality: l.Personality, MemoryPolicy: l.MemoryPolicy}
		if l.Seccomp != nil {
			small.Linux.Seccomp = &specs.LinuxSeccomp{ListenerPath: l.Seccomp.ListenerPath, ListenerMetadata: l.Seccomp.ListenerMetadata}
		}
	}
	text := append(spec.Encode(&small, ""), 0)
	text = append(append(text, c.input.Home...), 0)
	if c.o.NoNewKeyring {
		text = append(text, '1')
	}
	text = append(text, 0)
	if f := c.input.Seccomp; f != nil {
		notify := byte(0)
		if f.Notify {
			notify = 1
		}
		text = append(binary.LittleEndian.AppendUint32(text, f.Flags), notify)
		text = append(text, f.Program...)
	}
	return c.dir.WriteFile(keptFile, text)
}

var errKept = errors.New("is damaged")

// readKept reads it back.
func readKept(dir *store.Dir) (k kept, err error) {
	text, err := dir.ReadFile(keptFile)
	if err != nil {
		return k, err
	}
	part := strings.SplitN(string(text), "\x00", 4)
	if len(part) != 4 {
		return k, &store.CorruptError{ID: dir.ID(), Err: errKept}
	}
	if k.spec, err = spec.Decode([]byte(part[0])); err != nil || k.spec.Process == nil {
		return k, &store.CorruptError{ID: dir.ID(), Err: errKept}
	}
	k.home, k.noNewKeyring = part[1], part[2] != ""
	if f := part[3]; f != "" {
		const head, instruction = 5, 8
		if len(f) <= head || (len(f)-head)%instruction != 0 {
			return k, &store.CorruptError{ID: dir.ID(), Err: errKept}
		}
		k.filter = &compile.Filter{Flags: binary.LittleEndian.Uint32([]byte(f)), Notify: f[4] != 0, Program: []byte(f[head:])}
	}
	return k, nil
}
