//go:build linux

// Payload is the static program of the black-box tests: it stands for a
// container's process that busybox cannot play (raw system calls, scheduling
// attributes) and, on the host, for what a manager keeps open (a console
// socket, a seccomp agent). It imports only std and x/sys/unix.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	commands := map[string]func([]string) error{
		"chat":     chat,
		"console":  console,
		"deaf":     deaf,
		"notify":   notify,
		"ids":      ids,
		"syscall":  rawSyscall,
		"sched":    sched,
		"keyring":  keyring,
		"exchange": exchange,
		"hold":     hold,
		"say":      say,
		"hear":     hear,
		"listen":   listen,
		"lock":     lock,
		"port":     port,
		"tell":     tell,
		"tcp":      tcp,
		"unix":     unixConnect,
		"landlock": landlockABI,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: payload COMMAND ARG…")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// receive accepts one connection on the socket path and returns the message
// and the first descriptor that came with it.
func receive(path string) (string, int, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return "", -1, err
	}
	defer listener.Close()
	conn, err := listener.AcceptUnix()
	if err != nil {
		return "", -1, err
	}
	defer conn.Close()
	data, oob := make([]byte, 65536), make([]byte, 256)
	n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
	if err != nil {
		return "", -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) == 0 {
		return "", -1, fmt.Errorf("no descriptor came over %s: %v", path, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return "", -1, err
	}
	return string(data[:n]), fds[0], nil
}

// console SOCKET prints the terminal's output until the container ends. With
// a second argument that text is typed once the first output has come.
func console(args []string) error {
	name, fd, err := receive(args[0])
	if err != nil {
		return err
	}
	fmt.Printf("name=%s\n", name)
	master := os.NewFile(uintptr(fd), "master")
	if len(args) > 1 {
		first := make([]byte, 4096)
		n, err := master.Read(first)
		if err != nil {
			return err
		}
		os.Stdout.Write(first[:n])
		if _, err := master.WriteString(args[1]); err != nil {
			return err
		}
	}
	_, _ = io.Copy(os.Stdout, master) // EIO when the last slave is closed
	return nil
}

// deaf SOCKET accepts connections and never reads from them.
func deaf(args []string) error {
	listener, err := net.Listen("unix", args[0])
	if err != nil {
		return err
	}
	for {
		if _, err := listener.Accept(); err != nil {
			return err
		}
	}
}

// notify SOCKET is a seccomp agent: it prints the container process state it
// was sent and answers every notification with the errno 42 (ENOMSG).
func notify(args []string) error {
	state, fd, err := receive(args[0])
	if err != nil {
		return err
	}
	fmt.Println(state)
	for {
		var req [80]byte
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0xc0502100, uintptr(unsafe.Pointer(&req))); errno != 0 {
			if errno == unix.EINTR {
				continue
			}
			return nil
		}
		resp := struct {
			id    uint64
			val   int64
			errno int32
			flags uint32
		}{id: *(*uint64)(unsafe.Pointer(&req[0])), errno: -42}
		unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0xc0182101, uintptr(unsafe.Pointer(&resp)))
	}
}

// ids prints real, effective and saved user ids: a setuid copy of busybox
// would drop them.
func ids([]string) error {
	var r, e, s int
	unix.RawSyscall(unix.SYS_GETRESUID, uintptr(unsafe.Pointer(&r)), uintptr(unsafe.Pointer(&e)), uintptr(unsafe.Pointer(&s)))
	fmt.Println(int32(r), int32(e), int32(s))
	return nil
}

// syscall NR [ARG…] makes one raw system call and prints the errno, 0 for none.
func rawSyscall(args []string) error {
	var v [7]uintptr
	for i, a := range args {
		n, err := strconv.ParseUint(a, 0, 64)
		if err != nil {
			return err
		}
		v[i] = uintptr(n)
	}
	_, _, errno := unix.RawSyscall6(v[0], v[1], v[2], v[3], v[4], v[5], v[6])
	fmt.Println(int(errno))
	return nil
}

// sched prints policy, nice, priority, io class and io priority of itself.
func sched([]string) error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err
	}
	ioprio, _, _ := unix.RawSyscall(unix.SYS_IOPRIO_GET, 1, 0, 0)
	fmt.Printf("policy=%d nice=%d priority=%d flags=%d ioclass=%d ioprio=%d runtime=%d\n", attr.Policy, attr.Nice,
		attr.Priority, attr.Flags, ioprio>>13, ioprio&0x1fff, attr.Runtime)
	return nil
}

// keyring [label] prints the description of the session keyring, or its label.
func keyring(args []string) error {
	what := unix.KEYCTL_DESCRIBE
	if len(args) > 0 {
		what = unix.KEYCTL_GET_SECURITY
	}
	text, err := unix.KeyctlString(what, unix.KEY_SPEC_SESSION_KEYRING)
	if err != nil {
		return err
	}
	fmt.Println(text)
	return nil
}

// exchange A B swaps two names for ever (CVE-2021-30465's attacker).
func exchange(args []string) error {
	for {
		if err := unix.Renameat2(unix.AT_FDCWD, args[0], unix.AT_FDCWD, args[1], unix.RENAME_EXCHANGE); err != nil {
			return err
		}
	}
}

// hold FILE opens FILE, says so, and keeps it for ten minutes.
func hold(args []string) error {
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("held")
	time.Sleep(10 * time.Minute)
	return nil
}

// tcp bind|connect PORT… prints the errno of each attempt at 127.0.0.1.
func tcp(args []string) error {
	for _, arg := range args[1:] {
		port, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		call := unix.Bind
		if args[0] == "connect" {
			call = unix.Connect
		}
		err = call(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		errno, _ := err.(unix.Errno)
		fmt.Println(int(errno))
		unix.Close(fd)
	}
	return nil
}

// unixConnect PATH connects to a socket, one in the abstract namespace if PATH
// begins with @, and prints the errno.
func unixConnect(args []string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	errno, _ := unix.Connect(fd, &unix.SockaddrUnix{Name: args[0]}).(unix.Errno)
	fmt.Println(int(errno))
	return nil
}

// landlockABI prints the ABI of Landlock, 0 if it is not enabled.
func landlockABI([]string) error {
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		abi = 0
	}
	fmt.Println(abi)
	return nil
}
