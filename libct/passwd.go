package libct

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// maxPasswd bounds what is read of a passwd file, which an image made.
const maxPasswd = 10 << 20

// homeOf is the home directory of uid by the container's passwd, "/" if it has
// none. A passwd that is bind-mounted counts, since managers make one so.
func homeOf(s *specs.Spec, rootfs int) string {
	text := ""
	for i := range s.Mounts {
		if m := &s.Mounts[i]; m.Destination == "/etc/passwd" && m.Source != "" {
			text = readRegular(unix.AT_FDCWD, m.Source, 0)
		}
	}
	if text == "" {
		text = readRegular(rootfs, "etc/passwd", unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
	}
	uid := strconv.FormatUint(uint64(s.Process.User.UID), 10)
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) >= 6 && f[2] == uid && f[5] != "" {
			return f[5]
		}
	}
	return "/"
}

// readRegular reads a regular file, or nothing: never a fifo or a device that
// an image put in its place.
func readRegular(dir int, path string, resolve uint64) string {
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC, Resolve: resolve})
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxPasswd {
		return ""
	}
	buf := make([]byte, 0, min(st.Size+1, maxPasswd))
	for len(buf) < cap(buf) {
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if n <= 0 || err != nil {
			break
		}
		buf = buf[:len(buf)+n]
	}
	return string(buf)
}
