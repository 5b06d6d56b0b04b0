package child

// The system calls that the child makes of its own accord.
const (
	sysWrite       = 1
	sysExitGroup   = 231
	sysClone3      = 435
	sysSigprocmask = 14
)
