package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// MaxSize is the largest config.json that Load reads, in bytes.
const MaxSize = 10 << 20

// Load reads bundleDir's config.json, a regular file of at most MaxSize bytes.
// It does not block on a fifo. It does without os.File, whose poller costs two
// descriptors, and ends the process when there are none.
func Load(bundleDir string) (*specs.Spec, error) {
	path := filepath.Join(bundleDir, "config.json")
	text, err := readFile(path)
	if errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("JSON specification file %s not found", path) // runc's words
	}
	if err != nil {
		return nil, err
	}
	s, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// LoadMounts reads a regular file with a list of mounts.
func LoadMounts(path string) ([]specs.Mount, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	mounts, err := DecodeMounts(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return mounts, nil
}

// readFile reads the regular file at path.
func readFile(path string) ([]byte, error) {
	// O_NONBLOCK: opening a fifo would otherwise wait for its writer.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	text, err := readRegular(fd)
	unix.Close(fd)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// readRegular reads a regular file whole, if it is not too large.
func readRegular(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("not a regular file")
	}
	if st.Size > MaxSize {
		return nil, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	// One byte more than allowed shows a file that grew in the meantime.
	text := make([]byte, 0, st.Size+1)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return text, nil
		}
		text = text[:len(text)+n]
		if len(text) > MaxSize {
			return nil, fmt.Errorf("larger than %d bytes", MaxSize)
		}
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}
