package store

import "errors"

// Errors of ids, before anything is looked up. The texts are runc's.
var (
	ErrEmptyID   = errors.New("container id cannot be empty")
	ErrInvalidID = errors.New("invalid container ID format")
)

// Errors of the look-up and of Claim. The texts are runc's, which managers
// search for.
var (
	ErrExist    = errors.New("container with given ID already exists")
	ErrNotExist = errors.New("container does not exist")
)

// ErrCorrupt is matched by every *CorruptError.
var ErrCorrupt = errors.New("state is damaged")

// ErrLocked tells that another command held the lock for longer than the
// caller wanted to wait.
var ErrLocked = errors.New("container is in use by another command")

// ErrNotRunning tells that a process is gone, a zombie, or another one with the
// same pid.
var ErrNotRunning = errors.New("container not running")

// CorruptError tells that there is a container whose record cannot be used.
// Only a forced delete can go on.
type CorruptError struct {
	ID  string
	Err error
}

func (e *CorruptError) Error() string { return `state of "` + e.ID + `": ` + e.Err.Error() }

// Is makes errors.Is match ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Unwrap returns what is wrong.
func (e *CorruptError) Unwrap() error { return e.Err }

var (
	errNotDir     = errors.New("not a directory")
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than 1 MiB")
	errNoRecord   = errors.New(recordName + " is missing")
)
