package cgroup

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// saved is a limit's file and what it said before an update.
type saved struct{ dir, file, text string }

type savedFiles []saved

// save reads every file that Apply writes for r. Files that do not exist or
// that nobody can read are left out: nothing can be lost of them.
func (g *Group) save(r *resources) (savedFiles, error) {
	var all savedFiles
	for i := range sections {
		s := &sections[i]
		if _, any := s.field(r); !any {
			continue
		}
		d, files := g.find(s.v1), s.filesV1
		if d == nil && s.v2 != "" {
			d, files = g.findV2(s.v2), s.filesV2
		}
		if d == nil || d.lost != nil {
			continue
		}
		if err := all.read(d.path, files(r)); err != nil {
			return nil, err
		}
	}
	if d := g.v2(); d != nil {
		return all, all.read(d.path, unifiedFiles(r))
	}
	return all, nil
}

func unifiedFiles(r *resources) []string {
	var names []string
	for name := range r.Unified {
		if !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (all *savedFiles) read(dir string, files []string) error {
	for _, file := range files {
		text, err := readLimit(dir, file)
		switch {
		case err == nil:
			*all = append(*all, saved{dir, file, text})
		case !absent(err) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP):
			return err
		}
	}
	return nil
}

// readLimit reads a limit in the form in which it can be written.
func readLimit(dir, file string) (string, error) {
	text, err := readKnob(dir, file)
	if file == "memory.oom_control" {
		// oom_kill_disable, under_oom and a counter.
		text, _, _ = strings.Cut(strings.TrimPrefix(text, "oom_kill_disable "), "\n")
	}
	return text, err
}

// restore writes back what differs. Files constrain one another (memory and
// memory+swap, quota, period and burst, weight and idle), so what is refused
// is tried again after the others, as long as that helps.
func (all savedFiles) restore() error {
	left := slices.Clone(all)
	for {
		var errs []error
		again := left[:0:0]
		for _, s := range left {
			if err := s.restore(); err != nil {
				errs, again = append(errs, err), append(again, s)
			}
		}
		if len(again) == 0 || len(again) == len(left) {
			return errors.Join(errs...)
		}
		left = again
	}
}

func (s *saved) restore() error {
	now, err := readLimit(s.dir, s.file)
	if err != nil || now == s.text {
		return err
	}
	old := strings.Split(s.text, "\n")
	for line := range strings.SplitSeq(now, "\n") {
		// A device that had no limit has no line.
		device, _, _ := strings.Cut(line, " ")
		if strings.Contains(device, ":") && !slices.ContainsFunc(old, func(o string) bool { return strings.HasPrefix(o, device+" ") }) {
			if err := writeFile(s.dir, s.file, device+" "+unlimited(s.file)); err != nil {
				return err
			}
		}
	}
	for _, line := range old {
		// "default 100" is how a weight is shown; a write of nothing would be
		// none.
		line = strings.TrimPrefix(line, "default ")
		if err := writeFile(s.dir, s.file, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// unlimited is what takes a device's line out of a file.
func unlimited(file string) string {
	switch {
	case file == "io.max":
		return "rbps=max wbps=max riops=max wiops=max"
	case file == "io.latency":
		return "target=max"
	case strings.HasPrefix(file, "blkio.throttle."):
		return "0"
	}
	return "default" // weights
}
