package libct

import (
	"fmt"

	"golang.org/x/sys/unix"

	"rt/libct/compile"
	"rt/libct/console"
	"rt/libct/jsontext"
)

// takeListener fetches seccomp's notify descriptor and sends it, with the
// container process state, to linux.seccomp.listenerPath (runtime-spec
// config-linux.md#containerprocessstate).
func (c *creation) takeListener() error {
	fd, err := c.fetch(compile.SlotListener)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	p := c.input.Spec.Linux.Seccomp
	sock, err := console.Dial(p.ListenerPath)
	if err != nil {
		return fmt.Errorf("failed to connect with seccomp agent specified in the seccomp profile: %w", err)
	}
	defer unix.Close(sock)
	return console.Send(sock, fd, string(c.processState(p.ListenerMetadata)))
}

func (c *creation) processState(metadata string) []byte {
	w := jsontext.NewWriter("")
	w.Object(func() {
		w.Key("ociVersion")
		w.String(c.rec.OCIVersion)
		w.Key("fds")
		w.Array(func() { w.String("seccompFd") })
		w.Key("pid")
		w.Int(int64(c.pid))
		if metadata != "" {
			w.Key("metadata")
			w.String(metadata)
		}
		w.Key("state")
		_ = w.Raw(c.state("creating").stateJSON())
	})
	return w.Bytes()
}
