package libct

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// ownThread calls f on a thread that ends afterwards, so that f may change the
// thread's namespaces. It is never the main thread, which cannot end and whose
// namespaces /proc/self shows.
func ownThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			err := ownThread(f) // another one, for this one is taken
			runtime.UnlockOSThread()
			done <- err
			return
		}
		done <- f() // still locked: the thread ends with the goroutine
	}()
	return <-done
}
