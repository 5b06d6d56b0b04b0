// Package nofile records RLIMIT_NOFILE as this process inherited it, before
// package syscall raises the soft limit at its own initialisation. A container
// must start with the inherited limit, and only exec through package os would
// restore it.
//
// It imports nothing: packages are initialised in the order of their
// import paths once their imports are, so a package without imports, whose path
// sorts before "syscall", is initialised first. It must never import anything
// else; a test checks what it recorded.
package nofile

// limits has the layout of the kernel's struct rlimit64.
type limits struct{ soft, hard uint64 }

var (
	inherited limits
	errno     = record()
)

// prlimit64 is prlimit64(0, RLIMIT_NOFILE, NULL, old) and returns the kernel's
// result: zero, or a negated errno.
//
//go:noescape
func prlimit64(old *limits) int64

func record() int64 { return -prlimit64(&inherited) }

// Inherited returns the soft and hard limit this process was started with.
// ok is false when the kernel refused to tell, which only a seccomp filter
// around this process can bring about.
func Inherited() (soft, hard uint64, ok bool) {
	return inherited.soft, inherited.hard, errno == 0
}
