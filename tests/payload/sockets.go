//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// count writes a number into a file that readers see whole.
func count(file string, n int) error {
	if err := os.WriteFile(file+".new", []byte(strconv.Itoa(n)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// chat FILE counts into FILE what comes back over a TCP connection of its own on
// the loopback device, and ends when the connection does.
func chat(args []string) error {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // which nobody can save
	listener, err := plain.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			fmt.Fprintln(conn, lines.Text())
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for n := 1; ; n++ {
		fmt.Fprintln(conn, n)
		if !lines.Scan() {
			return fmt.Errorf("the connection is lost: %v", lines.Err())
		}
		got, err := strconv.Atoi(lines.Text())
		if err != nil || got != n {
			return fmt.Errorf("sent %d, got %q", n, lines.Text())
		}
		if err := count(args[0], n); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// lock FILE COUNTER holds a POSIX lock on FILE and counts into COUNTER.
func lock(args []string) error {
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if err := count(args[1], n); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// listen SOCKET takes datagrams.
func listen(args []string) error {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	for buf := make([]byte, 64); ; {
		if _, err := conn.Read(buf); err != nil {
			return err
		}
	}
}

// tell SOCKET FILE sends datagrams to a socket and counts them into FILE.
func tell(args []string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := fmt.Fprintln(conn, n); err != nil {
			return err
		}
		if err := count(args[1], n); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// port prints a TCP port that is free on the loopback device.
func port([]string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return nil
}
