package libct

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/console"
	"rt/libct/jsontext"
)

// takeListener fetches seccomp's notify descriptor and sends it, with the
// container process state, to linux.seccomp.listenerPath (runtime-spec
// config-linux.md#containerprocessstate).
func (p *process) takeListener(profile *specs.LinuxSeccomp, container *State) error {
	fd, err := p.fetch(compile.SlotListener)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	sock, err := console.Dial(profile.ListenerPath)
	if err != nil {
		return fmt.Errorf("failed to connect with seccomp agent specified in the seccomp profile: %w", err)
	}
	defer unix.Close(sock)
	return console.Send(sock, fd, string(p.processState(profile.ListenerMetadata, container)))
}

func (p *process) processState(metadata string, container *State) []byte {
	w := jsontext.NewWriter("")
	w.Object(func() {
		w.Key("ociVersion")
		w.String(container.OCIVersion)
		w.Key("fds")
		w.Array(func() { w.String("seccompFd") })
		w.Key("pid")
		w.Int(int64(p.pid))
		if metadata != "" {
			w.Key("metadata")
			w.String(metadata)
		}
		w.Key("state")
		_ = w.Raw(container.stateJSON())
	})
	return w.Bytes()
}
