package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// MaxSize is the largest config.json that Load reads, in bytes.
const MaxSize = 10 << 20

// Load reads bundleDir's config.json, a regular file of at most MaxSize bytes.
// It does not block on a fifo.
func Load(bundleDir string) (*specs.Spec, error) {
	path := filepath.Join(bundleDir, "config.json")
	// O_NONBLOCK: opening a fifo would otherwise wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("JSON specification file %s not found", path) // runc's words
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readRegular(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	s, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// readRegular reads a regular file whole, if it is not too large.
func readRegular(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if st.Size() > MaxSize {
		return nil, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	// One byte more than allowed shows a file that grew in the meantime.
	text := make([]byte, 0, st.Size()+1)
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
		if len(text) > MaxSize {
			return nil, fmt.Errorf("larger than %d bytes", MaxSize)
		}
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}
