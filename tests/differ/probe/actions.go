package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// calls are system calls by name, with arguments that do nothing.
var calls = map[string]uintptr{
	"getppid": unix.SYS_GETPPID, "kexec_load": unix.SYS_KEXEC_LOAD, "sethostname": unix.SYS_SETHOSTNAME,
	"unshare": unix.SYS_UNSHARE, "mount": unix.SYS_MOUNT, "personality": unix.SYS_PERSONALITY, "bpf": unix.SYS_BPF,
	"keyctl": unix.SYS_KEYCTL, "swapon": unix.SYS_SWAPON, "socket": unix.SYS_SOCKET, "future": 600, "acct": unix.SYS_ACCT,
}

// actions are NAME=VALUE words; other words do nothing.
//
//	call=NR,A,B   make a system call and print its errno
//	look=PATH     open a path for reading and writing
//	stat=PATH     print its type, mode and owner
//	tree=PATH     the same for all beneath
//	write=PATH    create a file, which stays
//	exit=N kill=N end with a status, or by a signal
//	stay          wait for SIGTERM, and exit with 5
func actions(words []string) {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "call":
			call(value)
		case "look":
			probe("look", value)
		case "stat":
			entry("stat", value)
		case "tree":
			tree("tree", value)
		case "write":
			err := os.WriteFile(value, []byte("written\n"), 0o644)
			fact("write", "%s %v", value, err)
		case "exit":
			n, _ := strconv.Atoi(value)
			os.Exit(n)
		case "kill":
			n, _ := strconv.Atoi(value)
			_ = unix.Kill(os.Getpid(), unix.Signal(n))
			time.Sleep(time.Second)
		case "stay":
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, unix.SIGTERM)
			fact("stay", "ready")
			<-stop
			os.Exit(5)
		}
	}
}

func call(value string) {
	fields := strings.Split(value, ",")
	var a [4]uintptr
	for i, f := range fields[1:] {
		n, _ := strconv.ParseUint(f, 0, 64)
		a[i] = uintptr(n)
	}
	_, _, e := syscall.RawSyscall6(calls[fields[0]], a[0], a[1], a[2], a[3], 0, 0)
	fact("call", "%s %d", value, int(e))
}

// hook writes what it sees of itself to the end of log. Its last words are
// `fail`, to end with 3, or `sleep`, to outlive its time-out.
func hook(log, name string, rest []string) {
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hook:", err)
		os.Exit(4)
	}
	before, _ := io.ReadAll(f)
	os.Stdout = f
	section := fmt.Sprintf("hook %d %s", strings.Count(string(before), " begins\n")+1, name)
	fact(section, "begins")
	fact(section, "args %q", os.Args)
	env := os.Environ()
	sort.Strings(env)
	fact(section, "env %q", env)
	cwd, _ := os.Readlink("/proc/self/cwd")
	root, _ := os.Readlink("/proc/self/root")
	fact(section, "cwd %s root %s uid %d gid %d", cwd, root, os.Getuid(), os.Getgid())
	for _, line := range strings.Split(text("/proc/self/status"), "\n") {
		if strings.HasPrefix(line, "CapEff") || strings.HasPrefix(line, "NoNewPrivs") || strings.HasPrefix(line, "Seccomp:") || strings.HasPrefix(line, "SigBlk") || strings.HasPrefix(line, "SigIgn") {
			fact(section, "%s", strings.Join(strings.Fields(line), " "))
		}
	}
	namespaces(section+" ns", filepath.Dir(filepath.Dir(log))+"/namespaces")
	state(section)
	for _, word := range rest {
		switch word {
		case "fail":
			fmt.Fprintln(os.Stderr, "hook fails")
			os.Exit(3)
		case "sleep":
			time.Sleep(time.Minute)
		}
	}
}

// state prints what stdin told, without what differs from run to run.
func state(section string) {
	data, _ := io.ReadAll(os.Stdin)
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		fact(section, "state %q %v", data, err)
		return
	}
	if pid, ok := got["pid"].(float64); ok && pid > 0 {
		got["pid"] = "positive"
	}
	line, _ := json.Marshal(got)
	fact(section, "state %s newline %v", line, strings.HasSuffix(string(data), "\n"))
}
