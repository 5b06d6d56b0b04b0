"""Runs a command on a pseudo-terminal and talks to it.

terminal.py [size=ROWSxCOLS] (want=TEXT | send=TEXT | key=LETTER)... -- COMMAND...

want= waits until TEXT has come since the last want; send= types TEXT and a
newline; key= types Ctrl-LETTER; size= before the first step is the terminal's,
later a new one. Prints everything that came, ends as the command did.
"""
import fcntl, os, pty, select, struct, sys, termios, time

LIMIT = 60


def resize(fd, size):
    rows, columns = map(int, size.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main(args):
    cut = args.index("--")
    steps, command = args[:cut], args[cut + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        if steps and steps[0].startswith("size="):
            resize(0, steps[0][5:])
        os.execvp(command[0], command)
    seen = bytearray()
    start = 0

    def read(seconds):
        if not select.select([fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        seen.extend(data)
        return bool(data)

    if steps and steps[0].startswith("size="):
        steps = steps[1:]
    size = ""
    for step in steps:
        word, text = step.split("=", 1)
        if word == "want":
            end = time.monotonic() + LIMIT
            while (at := seen.find(text.encode(), start)) < 0:
                if size and not select.select([fd], [], [], 2)[0]:
                    # A client that was not listening yet has missed it.
                    resize(fd, "1x1")
                    time.sleep(0.5)
                    resize(fd, size)
                if time.monotonic() > end or not read(1):
                    print(seen.decode(errors="replace"), file=sys.stdout)
                    print(f"terminal.py: never saw {text!r}", file=sys.stderr)
                    os.kill(pid, 9)
                    return 99
            start = at + len(text)
        elif word == "send":
            os.write(fd, text.encode() + b"\n")
        elif word == "key":
            time.sleep(0.3)  # a person's pace: keys that come together are text
            os.write(fd, bytes([ord(text) & 31]))
        elif word == "size":
            size = text
            resize(fd, text)
    end = time.monotonic() + LIMIT
    while read(1):
        if time.monotonic() > end:
            print("terminal.py: no end", file=sys.stderr)
            os.kill(pid, 9)
            break
    sys.stdout.write(seen.decode(errors="replace").replace("\r\n", "\n"))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main(sys.argv[1:]))
