package libct

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
)

// raiseHardLimits lets a child that will be in a user namespace set its limits:
// there it may not raise a hard one, but it inherits this process's. What this
// process may not raise, the child's own call reports.
func raiseHardLimits(p *specs.Process) {
	for _, l := range p.Rlimits {
		resource, ok := compile.Rlimit(l.Type)
		if !ok {
			continue
		}
		var now unix.Rlimit
		if unix.Prlimit(0, resource, nil, &now) == nil && now.Max < l.Hard {
			now.Max = l.Hard
			_ = unix.Prlimit(0, resource, &now, nil)
		}
	}
}
