"""in_a_terminal.py COMMAND TEXT KEYS: run a shell command as a newcomer does, in a terminal.

Waits until TEXT is on the terminal, types KEYS, and succeeds if the command then ends with 0.
"""

import os
import pty
import select
import sys
import time

PATIENCE = 300


def main() -> int:
    command, text, keys = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.execvp("bash", ["bash", "-c", command])
    said, typed, deadline = b"", False, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        said += data
        if not typed and text.encode() in said:
            os.write(terminal, keys.encode())
            typed = True
    else:
        os.kill(pid, 9)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code or not typed:
        print(said.decode(errors="replace"))
        print(f"ended with {code}, {'after' if typed else 'without'} {text!r} on the screen")
    return 0 if typed and not code else 1


if __name__ == "__main__":
    sys.exit(main())
