package cgroup

import (
	"bytes"
	"strings"
)

// defaultMount is where cgroups belong; a mount elsewhere is only used for a
// hierarchy that is not mounted here.
const defaultMount = "/sys/fs/cgroup"

// parseSelf reads /proc/self/cgroup: lines of "id:controllers:path".
// The unified hierarchy ("0::path") is put last.
func parseSelf(text string) []Hierarchy {
	var unified string
	hs := make([]Hierarchy, 0, strings.Count(text, "\n")+1)
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		id, rest, ok := strings.Cut(line, ":")
		names, own, ok2 := strings.Cut(rest, ":")
		switch {
		case !ok || !ok2 || own == "" || own[0] != '/':
		case names != "":
			hs = append(hs, Hierarchy{Controllers: strings.Split(names, ","), Own: own})
		case id == "0":
			unified = own
		}
	}
	if unified != "" {
		hs = append(hs, Hierarchy{Own: unified, V2: true})
	}
	return hs
}

// mountScan finds the mounts of hierarchies in /proc/self/mountinfo, given
// in pieces of any size.
type mountScan struct {
	hs   []Hierarchy
	open int // hierarchies not yet found below defaultMount
	skip bool
}

func newMountScan(hs []Hierarchy) *mountScan {
	return &mountScan{hs: hs, open: len(hs)}
}

// feed takes the whole lines of buf and returns what is left over. A line
// longer than a full buffer cannot be a cgroup mount's and is skipped.
func (s *mountScan) feed(buf []byte, full int) []byte {
	for {
		end := bytes.IndexByte(buf, '\n')
		if end < 0 {
			break
		}
		if !s.skip {
			s.line(buf[:end])
		}
		s.skip = false
		buf = buf[end+1:]
	}
	if len(buf) >= full {
		s.skip = true
		buf = buf[:0]
	}
	return buf
}

// line reads one mount: "36 35 0:30 ROOT MOUNT rw,relatime shared:1 - cgroup cgroup rw,cpu"
// (proc_pid_mountinfo(5)).
func (s *mountScan) line(line []byte) {
	const separator = " - cgroup"
	at := bytes.Index(line, []byte(" - "))
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(separator)) {
		return
	}
	fstype, rest, ok := bytes.Cut(line[at+len(" - "):], []byte(" "))
	_, options, ok2 := bytes.Cut(rest, []byte(" "))
	root, mount, ok3 := rootAndMount(line[:at])
	if !ok || !ok2 || !ok3 {
		return
	}
	switch string(fstype) {
	case "cgroup":
		s.found(string(options), root, mount, false)
	case "cgroup2":
		s.found("", root, mount, true)
	}
}

// rootAndMount returns the fourth and fifth field.
func rootAndMount(fields []byte) (root, mount string, ok bool) {
	for range 3 {
		if _, fields, ok = bytes.Cut(fields, []byte(" ")); !ok {
			return "", "", false
		}
	}
	r, fields, ok := bytes.Cut(fields, []byte(" "))
	m, _, ok2 := bytes.Cut(fields, []byte(" "))
	root, mount = unescape(r), unescape(m)
	// A trailing slash or a relative path is not the kernel's writing.
	ok = ok && ok2 && strings.HasPrefix(root, "/") && strings.HasPrefix(mount, "/") &&
		!strings.HasSuffix(mount, "/") && (root == "/" || !strings.HasSuffix(root, "/"))
	return root, mount, ok
}

// found notes a mount. Of two at one place the later hides the earlier.
func (s *mountScan) found(options, root, mount string, v2 bool) {
	for i := range s.hs {
		h := &s.hs[i]
		if h.V2 != v2 || !v2 && !hasItem(options, h.Controllers[0], ",") {
			continue
		}
		good := below(defaultMount, mount)
		was := h.Mount != "" && below(defaultMount, h.Mount)
		if good && !was {
			s.open--
		}
		if h.Mount == "" || h.Mount == mount || good && !was {
			h.Mount, h.Root = mount, root
		}
		return
	}
}

// mounted returns the hierarchies that were found.
func (s *mountScan) mounted() []Hierarchy {
	hs := s.hs[:0]
	for _, h := range s.hs {
		if h.Mount != "" {
			hs = append(hs, h)
		}
	}
	return hs
}

// below says whether path is dir or inside it.
func below(dir, path string) bool {
	return strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// hasItem says whether a separated list contains an item.
func hasItem(list, item, separator string) bool {
	for {
		head, rest, more := strings.Cut(list, separator)
		if head == item {
			return true
		}
		if !more {
			return false
		}
		list = rest
	}
}

// unescape undoes the octal escapes of blank, tab, newline and backslash.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && isOctal(b[i+1:i+4]) {
			out = append(out, (b[i+1]-'0')<<6|(b[i+2]-'0')<<3|(b[i+3]-'0'))
			i += 3
			continue
		}
		out = append(out, b[i])
	}
	return string(out)
}

func isOctal(b []byte) bool {
	return b[0] >= '0' && b[0] <= '3' && b[1] >= '0' && b[1] <= '7' && b[2] >= '0' && b[2] <= '7'
}
