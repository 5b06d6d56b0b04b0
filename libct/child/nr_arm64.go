package child

// The system calls that the child makes of its own accord.
const (
	sysWrite       = 64
	sysExitGroup   = 94
	sysClone3      = 435
	sysSigprocmask = 135
)
