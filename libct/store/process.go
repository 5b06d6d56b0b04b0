package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/host"
)

// Stat is what identifies a process while its pid may come back for another.
type Stat struct {
	State     byte   // field 3 of /proc/PID/stat: R, S, Z …
	StartTime uint64 // field 22: clock ticks after boot
}

// Dead reports whether the process has ended and only waits to be reaped.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' || s.State == 'x' }

// ReadStat reads the state of a process. The error is ErrNotRunning if there
// is no such process.
func ReadStat(pid int) (Stat, error) {
	if pid <= 0 {
		return Stat{}, ErrNotRunning
	}
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	var buf [1024]byte // 52 numbers and a name of at most 64 bytes
	n, err := host.ReadInto(path, buf[:])
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return Stat{}, ErrNotRunning
	}
	if err != nil {
		return Stat{}, err
	}
	st, ok := parseStat(string(buf[:n]))
	if !ok {
		return Stat{}, fmt.Errorf("%s: not understood", path)
	}
	return st, nil
}

// parseStat begins after the last parenthesis: the name before it is the
// process's choice, and may hold blanks and parentheses itself.
func parseStat(line string) (Stat, bool) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return Stat{}, false
	}
	field := strings.Fields(line[end+1:])
	if len(field) < 20 || len(field[0]) != 1 {
		return Stat{}, false
	}
	start, err := strconv.ParseUint(field[19], 10, 64)
	return Stat{State: field[0][0], StartTime: start}, err == nil
}

// Alive reports whether the process with this pid and start time still runs; a
// zombie does not.
func Alive(pid int, startTime uint64) (bool, error) {
	st, err := ReadStat(pid)
	if errors.Is(err, ErrNotRunning) {
		return false, nil
	}
	return err == nil && st.StartTime == startTime && !st.Dead(), err
}

// OpenProcess returns a pidfd of the process with this pid and start time. The
// error is ErrNotRunning if it has ended. The start time is read after the
// pidfd was opened: what the pidfd holds cannot be replaced any more.
func OpenProcess(pid int, startTime uint64) (pidfd int, err error) {
	if pid <= 0 {
		return -1, ErrNotRunning
	}
	pidfd, err = unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return -1, ErrNotRunning
	}
	if err != nil {
		return -1, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	alive, err := Alive(pid, startTime)
	if err == nil && !alive {
		err = ErrNotRunning
	}
	if err != nil {
		_ = unix.Close(pidfd) // the first error says more
		return -1, err
	}
	return pidfd, nil
}
