package store

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

var errCutShort = errors.New("is cut short")

// Cgroups returns the paths of the record from a second, simpler file, for a
// forced delete of a container whose record is damaged. The error matches
// os.ErrNotExist if there is no such file. Whoever acts upon the paths checks
// first that they are a container's.
func (d *Dir) Cgroups() (map[string]string, error) {
	data, err := d.ReadFile(cgroupsName)
	if err != nil {
		return nil, err
	}
	paths, err := decodeCgroups(data)
	if err != nil {
		return nil, d.corrupt(cgroupsName, err)
	}
	return paths, nil
}

// encodeCgroups writes names and paths with a NUL after each: a path may hold
// any other byte.
func encodeCgroups(paths map[string]string) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		b = append(append(b, name...), 0)
		b = append(append(b, paths[name]...), 0)
	}
	return b
}

func decodeCgroups(data []byte) (map[string]string, error) {
	paths := map[string]string{}
	for rest := string(data); rest != ""; {
		name, after, ok1 := strings.Cut(rest, "\x00")
		path, after, ok2 := strings.Cut(after, "\x00")
		if !ok1 || !ok2 || !isAbs(path) {
			return nil, errCutShort
		}
		paths[name], rest = path, after
	}
	return paths, nil
}
