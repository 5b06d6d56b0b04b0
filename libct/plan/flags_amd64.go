package plan

// O_DIRECTORY and O_NOFOLLOW differ between the architectures.
const (
	oDirectory = 0x10000
	oNofollow  = 0x20000
)
