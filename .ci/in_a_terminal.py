"""in_a_terminal.py COMMAND TEXT KEYS: run a shell command in a pseudo-terminal.

Waits until TEXT is in the output, types KEYS, and exits with 0 if the command then exits with 0.
"""

import os
import pty
import select
import sys
import time

TIMEOUT_S = 300


def main() -> int:
    command, text, keys = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.execvp("bash", ["bash", "-c", command])
    output, typed, deadline = b"", False, time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # on Linux, the end of a pseudo-terminal
            data = b""
        if not data:
            break
        output += data
        if not typed and text.encode() in output:
            os.write(terminal, keys.encode())
            typed = True
    else:
        os.kill(pid, 9)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code or not typed:
        print(output.decode(errors="replace"))
        shown = f"{text!r} was shown" if typed else f"{text!r} was never shown"
        print(f"exit code {code}; {shown}")
    return 0 if typed and not code else 1


if __name__ == "__main__":
    sys.exit(main())
