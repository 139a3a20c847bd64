"""A shell of one job: what a program in a terminal has above it, and a test cannot be.

``pty_driver`` runs this file as the leader of a new session. It makes the terminal on its standard
input the session's own, starts one program as a job in the foreground, tells what becomes of it on
one pipe and obeys on another. Without it ^Z would do nothing: the kernel does not stop the
processes of a session that nobody could continue.

    pty_shell.py COMMANDS REPORTS IGNORED PROGRAM [ARGUMENT]...

COMMANDS and REPORTS are file descriptors; IGNORED are signals, by number and comma, that the job
starts with set to be ignored, as nohup does. The only command is ``fg``. Reports are
``started PID``, ``stopped SIGNAL``, ``ended STATUS TIME`` (on the monotonic clock). When COMMANDS
ends so do the job and the shell.
"""

import fcntl
import os
import select
import signal
import sys
import termios
import time
from contextlib import suppress

TERMINAL = 0


def main(commands: int, reports: int, ignored: list[int], argv: list[str]) -> None:
    os.set_inheritable(commands, False)
    os.set_inheritable(reports, False)
    fcntl.ioctl(TERMINAL, termios.TIOCSCTTY, 0)
    # As in every shell: it may take the terminal back while it is not in the foreground itself.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_reader, False)
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGHUP, lambda *_: None)
    job = _start(ignored, argv)
    os.write(reports, f"started {job}\n".encode())
    while True:
        ready = select.select([commands, wake_reader], [], [])[0]
        if wake_reader in ready and signal.SIGHUP in os.read(wake_reader, 4096):
            # The terminal went away: a shell tells its job, and wakes it up for that if need be.
            _tell(job, signal.SIGHUP)
            _tell(job, signal.SIGCONT)
        pid, status = os.waitpid(job, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            with suppress(OSError):  # the terminal may be gone
                os.tcsetpgrp(TERMINAL, os.getpgrp())
            os.write(reports, f"stopped {os.WSTOPSIG(status)}\n".encode())
        elif pid:
            code = os.waitstatus_to_exitcode(status)
            os.write(reports, f"ended {code} {time.monotonic()}\n".encode())
            return
        if commands in ready:
            if not os.read(commands, 4096):
                _tell(job, signal.SIGKILL)
                os.waitpid(job, 0)
                return
            os.tcsetpgrp(TERMINAL, job)
            _tell(job, signal.SIGCONT)


def _start(ignored: list[int], argv: list[str]) -> int:
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(TERMINAL, os.getpgrp())
        signal.set_wakeup_fd(-1)
        for default in (signal.SIGTTOU, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(default, signal.SIG_DFL)
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        os.execve(argv[0], argv, os.environ)
    with suppress(OSError):  # it was faster, and is another program by now
        os.setpgid(job, job)
    return job


def _tell(job: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(job, number)


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        [int(number) for number in sys.argv[3].split(",") if number],
        sys.argv[4:],
    )
