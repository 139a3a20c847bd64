"""The whole program in a real terminal, without a tor: the demo, and strangers on a port."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import tiny_servers
from pty_driver import RMCUP, SMCUP, Program, bwgraph_argv, environment

DEMO = "demo: no tor"
BAR = re.compile(r"[▁▂▃▄▅▆▇█]")
PROMPT = "Password of the tor at"

IN_TIME = 15.0
"Seconds within which the user is told that there is no tor."


def altered(code: str, *arguments: str) -> list[str]:
    """How to run bwgraph with something in it changed first."""
    run = "import sys\nfrom bwgraph.cli import main\nsys.exit(main())"
    return [sys.executable, "-c", f"{code}\n{run}", *arguments]


def is_raw(program: Program) -> bool:
    """Whether keys come at once and unseen, as the graph wants them."""
    return not program.modes()[3] & (termios.ICANON | termios.ECHO)


# What there is to see.


def test_demo_says_that_it_is_one_and_fills_the_window_with_graphs_and_rates() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(DEMO)
        rate = r"\d\.\d MiB/s"
        said = rf"{rate}  last 1 s: avg {rate} +p95 {rate} +peak {rate} at \d\d:\d\d:\d\d$"
        program.wait_for(re.compile(rf"^▼ download +{said}", re.MULTILINE))
        program.wait_for(re.compile(rf"^▲ upload +{said}", re.MULTILINE))
        lines = program.display()
        assert lines[0].startswith("bwgraph")
        assert len(lines[0]) == 100
        assert lines[-1].startswith("q quit")
        assert sum(bool(re.match(r" +0 └.*─$", line)) for line in lines) == 2
        assert program.fits()


def test_newest_second_is_a_bar_at_the_right_edge_and_moves_on() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(re.compile(r"0 └"))
        assert not BAR.search(program.text())
        program.wait_for(BAR)
        for bars in (1, 2):
            # Directly above the ground: as many full cells as seconds, at the right edge.
            program.wait_for(re.compile(rf"│[ ·]*█{{{bars}}}\n +0 └"))
            above = next(i for i, line in enumerate(program.display()) if " 0 └" in line) - 1
            assert len(program.display()[above]) == 100


def test_sample_is_shown_when_it_comes_whatever_was_drawn_just_before(tmp_path: Path) -> None:
    log = tmp_path / "sent"
    code = f"""
import time
from bwgraph import demo
def traffic(second):
    with open({str(log)!r}, "a") as log:
        log.write(f"{{time.monotonic()}}\\n")
    return 1000, 1000
demo.diurnal.traffic = traffic
"""
    with Program(argv=altered(code, "--demo")) as program:
        lags = []
        for second in (1, 2):
            program.wait_for(f"last {second} s:")
            sent = float(log.read_text().split()[second])
            lags.append(time.monotonic() - sent)
            program.watch(sent + 0.8 - time.monotonic())
            program.send("\x0c")
        assert max(lags) < 0.4, lags


def test_ctrl_l_draws_over_what_others_wrote() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.scribble()
        program.send("\x0c")
        program.wait_for(DEMO)
        program.wait_gone("EE")


# Ways out.


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "ctrl-c"])
def test_key_ends_it_with_0_and_the_terminal_as_it_was(key: str) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        assert is_raw(program)
        assert not program.on_normal_screen()
        program.send(key)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_q_ends_it_at_once_even_while_a_server_keeps_it_waiting() -> None:
    with (
        tiny_servers.listening(tiny_servers.silent) as port,
        Program("--port", str(port)) as program,
    ):
        program.wait_for(f"connecting to 127.0.0.1:{port}")
        began = time.monotonic()
        program.send("q")
        assert program.wait_exit() == 0
        assert time.monotonic() - began < 3.0
        assert program.on_normal_screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_by_that_signal_once_the_terminal_is_restored(number: int) -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(number)
        assert program.wait_exit() == -number
        assert program.on_normal_screen()
        assert program.after_graph().strip() == ""


def test_sigint_from_elsewhere_ends_it_as_ctrl_c_does() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGINT)
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_sigterm_to_a_stopped_program_is_obeyed_when_it_goes_on() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.signal(signal.SIGTERM)
        program.fg()
        assert program.wait_exit() == -signal.SIGTERM
        assert program.on_normal_screen()


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_it(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.hang_up()
        # Because it noticed by itself, or by the signal, whichever comes first.
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})
        with pytest.raises(ProcessLookupError):
            os.killpg(program.pid, 0)


@pytest.mark.parametrize("ignored", [[], [signal.SIGHUP]], ids=["told", "not-told"])
def test_terminal_going_away_ends_a_stopped_program(ignored: list[int]) -> None:
    with Program("--demo", ignored=ignored) as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.hang_up()
        assert program.wait_exit(5.0) in ({1} if ignored else {1, -signal.SIGHUP})


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_exception_in_the_main_loop_restores_the_terminal_before_it_shows(calls: int) -> None:
    code = f"""
import itertools
from bwgraph import app
original, calls = app.compose, itertools.count()
def compose(*arguments):
    if next(calls) >= {calls}:
        raise RuntimeError("the compositor is unwell")
    return original(*arguments)
app.compose = compose
"""
    with Program(argv=altered(code, "--demo")) as program:
        for _ in range(calls):
            program.wait_for("bwgraph")
            program.send("\x0c")  # each one is drawn for
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        assert SMCUP in program.raw
        assert program.after_graph().rstrip().endswith("RuntimeError: the compositor is unwell")


# Exceptions where nobody is looking.

THREAD = """
import threading
from bwgraph import app
class Loop(app.Loop):
    def run(self):
        threading.Thread(target=self.fail, name="a worker").start()
        return super().run()
    def fail(self):
        raise RuntimeError("it is unwell")
app.Loop = Loop
"""

LINK = """
from bwgraph.link import TorLink
def fail(*_):
    raise RuntimeError("it is unwell")
TorLink._watch = fail
"""

LISTENER = """
from bwgraph.instance import Instance
from bwgraph.sample import Sample
original = Instance.tell
def tell(self, event):
    if isinstance(event, Sample):
        raise RuntimeError("it is unwell")
    original(self, event)
Instance.tell = tell
"""

NOTIFIER = """
from bwgraph import tor
original = tor._Patience.wait
def wait(self, timeout=None):
    original(self, timeout)
    raise RuntimeError("it is unwell")
tor._Patience.wait = wait
"""


@pytest.mark.parametrize(
    "code",
    [THREAD, LINK, LISTENER, NOTIFIER],
    ids=["a-thread", "the-links-worker", "the-listener", "stems-notifier"],
)
def test_exception_in_a_thread_shows_while_it_runs_and_is_told_at_the_end(code: str) -> None:
    with Program(argv=altered(code, "--demo")) as program:
        program.wait_for("it is unwell")
        assert program.display()[0].startswith("bwgraph")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert "it is unwell" in program.after_graph()
        assert "Traceback" not in program.after_graph()


# Stopping and going on.


def test_ctrl_z_stops_it_with_the_terminal_as_it_was_and_fg_draws_afresh() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        program.send("\x1a")
        assert program.wait_stopped() == signal.SIGTSTP
        assert program.on_normal_screen()
        program.resize(90, 20)
        program.scribble()
        written = len(program.raw)
        program.fg()
        program.wait_for(re.compile(r"^bwgraph.*\d$", re.MULTILINE))
        program.wait_gone("EE")
        assert SMCUP in program.raw[written:]
        assert len(program.display()[0]) == 90
        program.wait_until(lambda: program.display()[-1].startswith("q quit"), "the last line")
        assert program.fits()
        assert is_raw(program)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_ctrl_z_works_again_and_again() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        for _ in range(3):
            program.send("\x1a")
            assert program.wait_stopped() == signal.SIGTSTP
            assert program.on_normal_screen()
            program.scribble()
            program.fg()
            program.wait_for(DEMO)
            program.wait_gone("EE")
            assert is_raw(program)


def test_in_the_background_it_stays_stopped_and_leaves_the_terminal_alone() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.send("\x1a")
        program.wait_stopped()
        program.watch(0.0)
        written = len(program.raw)
        program.bg()
        assert program.wait_stopped() == signal.SIGTTOU
        assert program.raw[written:] == b""
        assert program.on_normal_screen()
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_after_sigstop_and_sigcont_it_takes_the_terminal_again_and_draws_afresh() -> None:
    with Program("--demo") as program:
        program.wait_for(DEMO)
        program.signal(signal.SIGSTOP)
        assert program.wait_stopped() == signal.SIGSTOP
        # What a shell does when its job stops.
        program.set_modes(program.modes_before)
        program.scribble()
        program.fg()
        program.wait_for(DEMO)
        program.wait_gone("EE")
        assert is_raw(program)
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


# Sizes.

SIZES = (
    *((300, 100), (100, 24), (80, 24), (37, 11), (36, 10), (35, 9), (21, 7), (13, 4), (9, 3)),
    *((5, 2), (4, 1), (1, 1), (2, 1), (1, 2), (1, 40), (3, 3), (300, 1), (40, 1), (2, 100)),
    *((13, 1), (100, 2), (7, 5), (80, 24), (300, 100)),
)


def is_whole_picture(lines: list[str], columns: int, rows: int) -> bool:
    """Whether these lines show both directions, as far as there is room for them."""
    if rows == 1:
        rate = r"\d+(\.\d)?( [KMG]iB/s|[KMG])" if columns >= 5 else ""
        both = rf"▼ ?{rate} +▲ ?{rate}" if columns >= 13 else rf"▼?{rate}( {rate})?"
        return bool(re.fullmatch(both, lines[0]))
    headings = [line for line in lines if line.startswith(("▼", "▲"))]
    if columns >= 6:
        headings = [line for line in headings if re.match(r"[▼▲] ?[a-z]* *\d", line)]
    header = not lines[0].startswith("bwgraph") or re.search(r"\d\d:\d\d:\d\d$", lines[0])
    return bool(len(headings) == 2 and header and (columns < 100 or rows < 24 or lines[-1]))


def test_resized_through_odd_sizes_it_lives_and_the_picture_fits() -> None:
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for columns, rows in SIZES:
            program.resize(columns, rows)
            program.wait_until(
                lambda c=columns, r=rows: is_whole_picture(program.display(), c, r),  # type: ignore[misc]
                f"a picture that fills {columns}x{rows}",
            )
            assert program.fits(), f"{columns}x{rows}"
        assert len(program.display()[0]) == 300
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_resized_faster_than_it_can_draw_it_ends_in_the_last_size() -> None:
    sizes = random.Random(1)
    with Program("--demo", size=(100, 24)) as program:
        program.wait_for(BAR)
        for _ in range(60):
            program.resize(sizes.randint(1, 300), sizes.randint(1, 100))
            program.watch(sizes.choice((0.0, 0.0, 0.005)))
        program.resize(91, 23)
        program.wait_until(
            lambda: len(program.display()[0]) == 91 and is_whole_picture(program.display(), 91, 23),
            "a picture that fills 91x23",
        )
        assert program.fits()


@pytest.mark.parametrize("size", [(1, 1), (300, 100)])
def test_started_in_a_window_of_any_size_it_draws(size: tuple[int, int]) -> None:
    with Program("--demo", size=size) as program:
        program.wait_until(
            lambda: program.display()[0].startswith("▼" if size == (1, 1) else "bwgraph"),
            "a first line",
        )
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0


# Terminals and locales.


def assert_wrong_use(code: int, output: str, because: str) -> None:
    assert code == 2
    assert output.startswith("bwgraph: ")
    assert because in output
    assert output.count("\n") == 1
    assert "\x1b" not in output


@pytest.mark.parametrize("stream", ["input", "output"])
def test_without_a_terminal_on_one_side_it_says_so_and_writes_no_escapes(stream: str) -> None:
    master, slave = os.openpty()
    try:
        ended = subprocess.run(
            bwgraph_argv("--demo"),
            stdin=subprocess.DEVNULL if stream == "input" else slave,
            stdout=subprocess.PIPE if stream == "output" else slave,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
            timeout=20,
            check=False,
        )
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    assert not ended.stdout
    assert_wrong_use(ended.returncode, ended.stderr.decode(), f"standard {stream} is not")


@pytest.mark.parametrize(("redirection", "stream"), [("<&-", "input"), (">&-", "output")])
def test_with_a_closed_stream_it_says_so(redirection: str, stream: str) -> None:
    argv = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *bwgraph_argv("--demo")]
    with Program(argv=argv) as program:
        code = program.wait_exit()
        written = program.raw.decode().replace("\r", "")
        assert_wrong_use(code, written, f"standard {stream} is not a terminal")


@pytest.mark.parametrize("term", [None, "", "dumb", "never-heard-of"])
def test_with_a_terminal_that_cannot_show_a_graph_it_says_so(term: str | None) -> None:
    with Program("--demo", environ=environment(TERM=term)) as program:
        code = program.wait_exit()
        assert_wrong_use(code, program.raw.decode().replace("\r", ""), "TERM is")
        assert (term or "not set") in program.text()
        assert program.on_normal_screen()


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": None}, {"LC_ALL": None, "LANG": "C"}, {"LC_ALL": "POSIX"}],
    ids=["C", "none", "LANG=C", "POSIX"],
)
def test_where_the_locale_is_not_utf8_every_byte_is_ascii(locale: dict[str, str | None]) -> None:
    with Program("--demo", environ=environment(**locale)) as program:
        program.wait_for("v download")
        if locale.get("LC_ALL") == "C":  # once is enough: it takes a second
            program.wait_for(re.compile(r"#\n +0 \+-"))
        program.send("q")
        assert program.wait_exit() == 0
        assert program.raw.isascii()
        assert b"\x0e" not in program.raw, "it changed to the line drawing character set"


COLOUR = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:3\d|4\d|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")


def test_with_no_color_there_is_none() -> None:
    with Program("--demo", environ=environment(NO_COLOR="1")) as program:
        program.wait_for(BAR)
        program.send("q")
        assert program.wait_exit() == 0
        assert COLOUR.search(program.raw) is None


def test_with_an_empty_no_color_there_is_colour_on_the_terminals_own_background() -> None:
    background = re.compile(rb"\x1b\[(?:[\d;:]*[;:])?(?:4[0-8]|10[0-7])(?:[;:][\d;:]*)?m")
    with Program("--demo", environ=environment(NO_COLOR="")) as program:
        program.wait_for(BAR)
        program.wait_until(lambda: COLOUR.search(program.raw), "a colour")
        assert background.search(program.raw) is None


# No tor.


def listened_to(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def test_where_there_is_no_tor_each_place_tried_is_told() -> None:
    sockets = ("/run/tor/control", "/var/run/tor/control")
    there = [path for path in sockets if Path(path).exists()]
    there += [str(path) for path in Path("/run").glob("tor-instances/*/control")]
    there += [f"127.0.0.1:{port}" for port in (9051, 9151) if listened_to(port)]
    if there:
        pytest.skip(f"this machine has something that may be a tor: {', '.join(there)}")
    port = tiny_servers.closed_port()
    environ = environment(TOR_CONTROL_IPC_PATH="/nonexistent/control", TOR_CONTROL_PORT=str(port))
    with Program(environ=environ) as program:
        assert program.wait_exit(IN_TIME) == 1
        assert program.on_normal_screen()
        said = program.after_graph()
    for place in ("/nonexistent/control", *sockets):
        assert re.search(rf"^ +{place} +no such socket$", said, re.MULTILINE), said
    for number in (port, 9051, 9151):
        assert re.search(rf"^ +127\.0\.0\.1:{number} +connection refused$", said, re.MULTILINE)
    assert "ControlPort 9051" in said
    assert "Traceback" not in said


STRANGERS: dict[str, tuple[tiny_servers.Serve | None, str]] = {
    "closed": (None, "connection refused"),
    "ssh": (tiny_servers.ssh, "it says 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"),
    "web": (tiny_servers.web, "it says 'HTTP/1.1 400 Bad Request'"),
    "socks": (tiny_servers.socks, "this is tor's SocksPort"),
    "closing": (tiny_servers.closing, "it closed the connection"),
    "flooding": (tiny_servers.flooding, "a line without an end"),
    "silent": (tiny_servers.silent, "silent for 4 s"),
    "dripping": (tiny_servers.dripping, "no connection within 9 s"),
}
"What each of them is, and what bwgraph says of it."


@pytest.fixture(scope="module", autouse=True)
def among_strangers() -> Iterator[dict[str, tuple[Program, int, float]]]:
    """A bwgraph for each stranger, its port, and when it began.

    They run while the other tests do: some take as long as anyone may.
    """
    with ExitStack() as stack:
        programs = {}
        for name, (serve, _) in STRANGERS.items():
            port = tiny_servers.closed_port()
            if serve is not None:
                port = stack.enter_context(tiny_servers.listening(serve))
            began = time.monotonic()
            program = stack.enter_context(Program("--port", str(port)))
            programs[name] = (program, port, began)
        yield programs


@pytest.mark.parametrize("name", STRANGERS)
def test_who_is_no_tor_is_told_in_time_and_plainly(
    among_strangers: dict[str, tuple[Program, int, float]], name: str
) -> None:
    program, port, began = among_strangers[name]
    assert program.wait_exit() == 1
    assert program.ended - began < IN_TIME
    assert program.on_normal_screen()
    said = program.after_graph()
    assert said.strip().startswith(f"bwgraph: 127.0.0.1:{port}: ")
    assert STRANGERS[name][1] in said
    assert "Traceback" not in said


def without_privilege() -> list[str]:
    """What to put before a command so that permissions hold for it, even when root runs this."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    drop = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    command = [setpriv or "", *drop, "--"]
    if setpriv is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("root may read everything, and setpriv is not there to change that")
    return command


def test_cookie_that_may_not_be_read_is_named_with_the_cure(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_bytes(b"x" * 32)
    cookie.chmod(0o040)
    with tiny_servers.listening(tiny_servers.cookie_tor(str(cookie))) as port:
        argv = [*without_privilege(), *bwgraph_argv("--port", str(port))]
        with Program(argv=argv, size=(200, 24)) as program:
            assert program.wait_exit() == 1
            assert program.on_normal_screen()
            said = program.after_graph()
    assert f"127.0.0.1:{port}: cookie {cookie}: permission denied" in said
    assert "run bwgraph as" in said or "sudo usermod -aG" in said
    assert "Traceback" not in said


# Passwords.

SECRET = 'quo"te back\\slash pä€ß'


@pytest.fixture
def port() -> Iterator[int]:
    """Where a tor listens that wants SECRET."""
    with tiny_servers.listening(tiny_servers.password_tor(SECRET.encode())) as port:
        yield port


def test_password_is_asked_for_on_the_normal_screen_unseen_and_opens_the_graph(port: int) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(f"{PROMPT} 127.0.0.1:{port}:")
        assert program.raw.count(SMCUP) == program.raw.count(RMCUP)
        assert not program.modes()[3] & termios.ECHO
        program.send(f"{SECRET}\r")
        program.wait_for("tor 0.4.9.11")
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert SECRET.encode() not in program.raw


@pytest.mark.parametrize("how", ["typed", "environment", "file"])
def test_wrong_password_is_told_plainly_and_never_repeated(
    port: int, how: str, tmp_path: Path
) -> None:
    wrong = "wide of the mark"
    (tmp_path / "password").write_text(wrong)
    arguments = ["--password-file", str(tmp_path / "password")] if how == "file" else []
    environ = environment(TOR_CONTROL_PASSWD=wrong if how == "environment" else None)
    with Program("--port", str(port), *arguments, environ=environ) as program:
        if how == "typed":
            program.wait_for(PROMPT)
            program.send(f"{wrong}\r")
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        said = program.after_graph()
        assert f"bwgraph: 127.0.0.1:{port}: tor did not accept the password" in said
        assert "Traceback" not in said
        assert wrong.encode() not in program.raw


def leave_by_ctrl_c(program: Program) -> int:
    program.send("\x03")
    return 0


def leave_by_ctrl_d(program: Program) -> int:
    program.send("\x04")
    return 1


def leave_by_sigterm(program: Program) -> int:
    program.signal(signal.SIGTERM)
    return -signal.SIGTERM


@pytest.mark.parametrize("leave", [leave_by_ctrl_c, leave_by_ctrl_d, leave_by_sigterm])
def test_leaving_at_the_password_prompt_restores_the_terminal(
    port: int, leave: Callable[[Program], int]
) -> None:
    with Program("--port", str(port)) as program:
        program.wait_for(PROMPT)
        expected = leave(program)
        assert program.wait_exit() == expected
        assert program.on_normal_screen()
        assert "Traceback" not in program.text()
