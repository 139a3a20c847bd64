"""A minimal shell with one job, for a program in a terminal.

``pty_driver`` runs this file as the leader of a new session. It takes the terminal on its standard
input as the session's controlling terminal, starts one program as a job in the foreground, reports
the job's state on one pipe and reads commands from another. Without a shell ^Z would do nothing:
the kernel does not stop an orphaned process group.

    pty_shell.py COMMANDS REPORTS IGNORED PROGRAM [ARGUMENT]...

COMMANDS and REPORTS are file descriptors. IGNORED is a comma-separated list of the numbers of the
signals that the job ignores from its start, as with nohup. The only command is ``fg``. Reports are
``started PID``, ``stopped SIGNAL``, ``ended STATUS TIME`` (on the monotonic clock). When COMMANDS
is closed, the job is killed and the shell ends.
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
    # As in every shell, so that it may take the terminal back while in the background.
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
            # The terminal was hung up: pass the signal on, and continue the job if it is stopped.
            _signal_job(job, signal.SIGHUP)
            _signal_job(job, signal.SIGCONT)
        pid, status = os.waitpid(job, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            with suppress(OSError):  # the terminal may be closed
                os.tcsetpgrp(TERMINAL, os.getpgrp())
            os.write(reports, f"stopped {os.WSTOPSIG(status)}\n".encode())
        elif pid:
            code = os.waitstatus_to_exitcode(status)
            os.write(reports, f"ended {code} {time.monotonic()}\n".encode())
            return
        if commands in ready:
            if not os.read(commands, 4096):
                _signal_job(job, signal.SIGKILL)
                os.waitpid(job, 0)
                return
            os.tcsetpgrp(TERMINAL, job)
            _signal_job(job, signal.SIGCONT)


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
    with suppress(OSError):  # the child has done it already and executed the program
        os.setpgid(job, job)
    return job


def _signal_job(job: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(job, number)


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        [int(number) for number in sys.argv[3].split(",") if number],
        sys.argv[4:],
    )
