//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// say SOCKET TEXT… sends each text as a datagram; \n in it begins a new line.
func say(args []string) error {
	conn, err := net.Dial("unixgram", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, text := range args[1:] {
		if _, err := conn.Write([]byte(strings.ReplaceAll(text, `\n`, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// hear SOCKET [MODE] prints each datagram as one line, and " +fd" if a
// descriptor came with it. MODE is the socket's.
func hear(args []string) error {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	if len(args) > 1 {
		mode, err := strconv.ParseUint(args[1], 8, 32)
		if err != nil {
			return err
		}
		if err := os.Chmod(args[0], os.FileMode(mode)); err != nil {
			return err
		}
	}
	data, oob := make([]byte, 65536), make([]byte, 256)
	for {
		n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
		if err != nil {
			return err
		}
		line := strings.ReplaceAll(strings.TrimSuffix(string(data[:n]), "\n"), "\n", "|")
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return err
		}
		var fds []int
		for i := range messages {
			if fds, err = unix.ParseUnixRights(&messages[i]); err == nil {
				line += " +fd"
			}
		}
		fmt.Println(line)
		for _, fd := range fds {
			unix.Close(fd) // so a barrier is answered after it was printed
		}
	}
}
