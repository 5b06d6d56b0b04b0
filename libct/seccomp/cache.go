package seccomp

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The stored form of a program, little-endian:
//
//	magic 8, flags 4, notify 1, count of instructions 2,
//	instructions 8 each (code 2, jt 1, jf 1, k 4),
//	listenerPath and listenerMetadata (length 4, bytes),
//	sha256 of all before 32
const (
	magic      = "rtbpf\x00\x00\x01" // the last byte is the version
	headerSize = len(magic) + 4 + 1 + 2
)

// compilerVersion must grow whenever Compile gives another program for some
// profile. Changes of the system call table take care of themselves.
const compilerVersion = 1

// MaxStored bounds the stored form, in bytes; Parse refuses more.
const MaxStored = 1 << 20

func le32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func le64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func appendText(b []byte, s string) []byte {
	return append(le32(b, uint32(len(s))), s...)
}

// Marshal returns the stored form.
func (p *Program) Marshal() []byte {
	size := headerSize + 8*len(p.Insns) + 8 + len(p.ListenerPath) + len(p.ListenerMetadata)
	b := make([]byte, 0, size+sha256.Size)
	b = append(b, magic...)
	b = le32(b, p.Flags)
	b = append(b, truth(p.Notify))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.Insns)))
	for _, in := range p.Insns {
		b = binary.LittleEndian.AppendUint16(b, in.Code)
		b = le32(append(b, in.Jt, in.Jf), in.K)
	}
	b = appendText(b, p.ListenerPath)
	b = appendText(b, p.ListenerMetadata)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func truth(v bool) byte {
	if v {
		return 1
	}
	return 0
}

var errStored = errors.New("stored seccomp program is damaged")

// Parse reads the stored form back. It refuses another version, any damage,
// and a program that the kernel would refuse.
func Parse(data []byte) (*Program, error) {
	if len(data) > MaxStored {
		return nil, fmt.Errorf("stored seccomp program is larger than %d bytes", MaxStored)
	}
	if len(data) < headerSize+8+sha256.Size {
		return nil, errStored
	}
	if string(data[:len(magic)]) != magic {
		return nil, errors.New("stored seccomp program has another version")
	}
	b, stored := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], stored) {
		return nil, errStored
	}
	b = b[len(magic):]
	p := &Program{Flags: binary.LittleEndian.Uint32(b), Notify: b[4] == 1}
	count := int(binary.LittleEndian.Uint16(b[5:]))
	if b[4] > 1 || p.Notify != (p.Flags&FlagNewListener != 0) {
		return nil, errStored
	}
	b = b[7:]
	if count > MaxInsns || len(b) < 8*count {
		return nil, errStored
	}
	p.Insns = make([]Insn, count)
	for i := range p.Insns {
		p.Insns[i] = Insn{binary.LittleEndian.Uint16(b), b[2], b[3], binary.LittleEndian.Uint32(b[4:])}
		b = b[8:]
	}
	var ok1, ok2 bool
	p.ListenerPath, b, ok1 = cutText(b)
	p.ListenerMetadata, b, ok2 = cutText(b)
	if !ok1 || !ok2 || len(b) != 0 {
		return nil, errStored
	}
	if err := Check(p.Insns); err != nil {
		return nil, fmt.Errorf("stored seccomp program: %w", err)
	}
	return p, nil
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) < 4 {
		return "", nil, false
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(n) > uint64(len(b)) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}

// Key names what Compile gives for a profile on a host: equal keys, equal
// programs. It covers the profile, the host, the system call table and this
// package's version; the profile must not be nil.
func Key(p *specs.LinuxSeccomp, h Host) [sha256.Size]byte {
	b := make([]byte, 0, 16<<10)
	b = le32(b, compilerVersion)
	b = appendText(append(b, magic...), tableSum)
	b = appendText(b, h.Arch)
	b = le32(le32(b, h.SupportedFlags), uint32(h.Actions))
	b = appendErrno(appendText(b, string(p.DefaultAction)), p.DefaultErrnoRet)
	b = le32(b, uint32(len(p.Architectures)))
	for _, arch := range p.Architectures {
		b = appendText(b, string(arch))
	}
	b = append(b, truth(p.Flags == nil)) // absent flags are not empty flags
	b = le32(b, uint32(len(p.Flags)))
	for _, flag := range p.Flags {
		b = appendText(b, string(flag))
	}
	b = appendText(appendText(b, p.ListenerPath), p.ListenerMetadata)
	b = le32(b, uint32(len(p.Syscalls)))
	for i := range p.Syscalls {
		b = appendSyscall(b, &p.Syscalls[i])
	}
	return sha256.Sum256(b)
}

func appendSyscall(b []byte, s *specs.LinuxSyscall) []byte {
	b = appendErrno(appendText(b, string(s.Action)), s.ErrnoRet)
	b = le32(b, uint32(len(s.Names)))
	for _, name := range s.Names {
		b = appendText(b, name)
	}
	b = le32(b, uint32(len(s.Args)))
	for _, a := range s.Args {
		b = le64(le64(le64(b, uint64(a.Index)), a.Value), a.ValueTwo)
		b = appendText(b, string(a.Op))
	}
	return b
}

func appendErrno(b []byte, errno *uint) []byte {
	if errno == nil {
		return append(b, 0)
	}
	return le64(append(b, 1), uint64(*errno))
}
