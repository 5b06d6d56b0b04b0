package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Dump has CRIU save the target, which ends, unless the options say that it goes
// on. When Dump fails, CRIU has let the container go on.
func (s *Service) Dump(t *Target, notify Notify) error {
	return s.o.explain(s.work(s.o.dump(t, s.dirs), notify), dumpLog)
}

// Restore has CRIU restore the target from the images. CRIU itself, and so all
// that it restores, must be in the container's cgroups already.
func (s *Service) Restore(t *Target, notify Notify) error {
	return s.o.explain(s.work(s.o.restore(t, s.dirs), notify), restoreLog)
}

// directories are descriptors, which CRIU reopens through /proc.
type directories struct{ images, work int }

// open opens the directory of the images, which must be there, and that of the
// logs, which is made.
func (o *Options) open() (*directories, error) {
	d := &directories{images: -1, work: -1}
	var err error
	if d.images, err = openDir("image", o.ImagePath); err != nil {
		return nil, err
	}
	if o.WorkPath == "" {
		return d, nil
	}
	if err = os.Mkdir(o.WorkPath, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		d.close()
		return nil, fmt.Errorf("make work path: %w", err)
	}
	if d.work, err = openDir("work", o.WorkPath); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func openDir(what, path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s path %s: %w", what, path, err)
	}
	return fd, nil
}

func (d *directories) close() {
	for _, fd := range [...]*int{&d.images, &d.work} {
		if *fd >= 0 {
			unix.Close(*fd)
		}
		*fd = -1
	}
}

// explain adds to CRIU's failure what its log says, and where that is.
func (o *Options) explain(err error, log string) error {
	if err == nil {
		return nil
	}
	dir := o.WorkPath
	if dir == "" {
		dir = o.ImagePath
	}
	path := filepath.Join(dir, log)
	line := lastError(path)
	var failed *criuError
	if line == "" && errors.As(err, &failed) {
		line = failed.text
	}
	if line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return fmt.Errorf("%w (log file: %s)", err, path)
}

// maxLog is how much of a log's end is searched.
const maxLog = 256 << 10

// lastError is the last line of a log that tells an error, but for those with
// which CRIU passes a failure on, as long as there is another.
func lastError(path string) string {
	text := tail(path)
	passed := ""
	for len(text) > 0 {
		i := bytes.LastIndexByte(bytes.TrimSuffix(text, []byte{'\n'}), '\n')
		line := bytes.TrimSpace(text[i+1:])
		text = text[:i+1]
		at := bytes.Index(line, []byte("Error ("))
		if at < 0 {
			continue
		}
		found := string(bytes.ToValidUTF8(line[at:], []byte{'?'}))
		if !passesOn(found) {
			return found
		}
		if passed == "" {
			passed = found
		}
	}
	return passed
}

// passesOn reports whether an error of CRIU says only that another came before.
func passesOn(line string) bool {
	for _, s := range [...]string{"FAILED.", "failed with -", "finished unsuccessfully", "action scripts failed", "Unable to open fd="} {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}

// tail reads the end of a file, nothing where that fails: the log explains a
// failure and must not be one.
func tail(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	buf := make([]byte, min(st.Size(), maxLog))
	n, _ := f.ReadAt(buf, st.Size()-int64(len(buf)))
	return buf[:n]
}
