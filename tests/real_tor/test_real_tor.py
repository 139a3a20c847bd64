"""The whole program in a real terminal, connected to a real tor."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from event_recorder import EventRecorder, wait_until
from pty_driver import Program, environment
from tor_process import Control, RealTor, free_port, has_ipv6, needs_tor

from bwgraph.model.events import Described
from bwgraph.model.quota import Context, Limit, Quota
from bwgraph.screen.plot import BLOCK
from bwgraph.screen.units import BYTES
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing

pytestmark = needs_tor

SECRET = 'quo"te back\\slash pä€ß'

UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2}

NO_TOR = "no tor since"


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTor]:
    """A tor with a cookie; an earlier test may have restarted it."""
    with RealTor(tmp_path_factory.mktemp("tor")) as tor:
        yield tor


@pytest.fixture(scope="module")
def password_tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTor]:
    """A tor whose password is SECRET."""
    with RealTor(tmp_path_factory.mktemp("tor"), password=SECRET) as tor:
        yield tor


class Shown:
    """The rates on the screen, in bytes a second; None for unknown ones."""

    def __init__(self, program: Program) -> None:
        self.current: dict[str, float | None] = {}
        self.peak: dict[str, float | None] = {}
        rate = r"(?:([\d.]+) (B|KiB|MiB)/s|-)"
        for direction in ("download", "upload"):
            match = re.search(rf"{direction} +{rate}(?: +last .*peak {rate})?", program.text())
            assert match is not None, program.text()
            current, unit, peak, peak_unit = match.groups()
            self.current[direction] = float(current) * UNITS[unit] if current else None
            self.peak[direction] = float(peak) * UNITS[peak_unit] if peak else None


def wait_connected(program: Program, seconds: int = 1) -> None:
    """Wait until the screen shows a connection and this many seconds of data."""
    program.wait_until(
        lambda: covered(program) >= seconds and NO_TOR not in program.text(),
        f"{seconds} s of data",
    )


def covered(program: Program) -> int:
    """Return the seconds of data that both headings cover.

    A frame arrives in pieces from the top, so the two headings may differ for a moment.
    """
    spans = re.findall(r"last (?:(\d+) min ?)?(?:(\d+) s)?: ", program.text())
    seconds = [60 * int(minutes or 0) + int(rest or 0) for minutes, rest in spans]
    return min(seconds) if len(seconds) == 2 else 0


def wait_follows(program: Program, tor: RealTor) -> None:
    """Wait until the screen shows new traffic: 100,000 bytes in a second as 97.7 KiB/s.

    On a busy machine the bytes may be split between two of tor's seconds, or the second may be a
    longer one. Then try again.
    """
    shown: list[float | None] = []
    with Control(tor) as control:
        for _ in range(8):
            program.watch(0.0)
            before = covered(program)
            control.let_read(100_000)
            program.wait_until(lambda b=before: covered(program) > b, "the next second")  # type: ignore[misc]
            shown.append(Shown(program).current["download"])
            if shown[-1] == pytest.approx(97.7 * 1024, rel=0.03):
                return
    pytest.fail(f"100,000 bytes a second were shown as {shown}")


# Endpoints and passwords.


FORMS = ["{}", "127.0.0.1:{}", "localhost:{}"] + (["[::1]:{}"] if has_ipv6() else [])


@pytest.mark.parametrize("form", FORMS)
def test_port_in_each_form(tor: RealTor, form: str) -> None:
    with Program("--port", form.format(tor.port)) as program:
        program.wait_for(re.compile(r"^bwgraph .*\btor 0\.\d+\.\d+", re.MULTILINE))
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_control_socket(tor: RealTor) -> None:
    with Program("--socket", str(tor.socket_path), size=(200, 24)) as program:
        program.wait_for(re.compile(r"^bwgraph .*\btor 0\.\d+\.\d+", re.MULTILINE))
        assert str(tor.socket_path) in program.display()[0]


def test_port_from_the_environment(tor: RealTor) -> None:
    environ = environment(TOR_CONTROL_PORT=str(tor.port))
    with Program(environ=environ) as program:
        program.wait_for(f"127.0.0.1:{tor.port}")
        program.wait_for(re.compile(r"tor 0\.\d+\.\d+"))


@contextmanager
def program_with_password(
    tor: RealTor, password: str, how: str, directory: Path
) -> Iterator[Program]:
    """Run the program, and give it a password by a file, the environment or the prompt."""
    arguments = ["--port", str(tor.port)]
    environ = environment()
    if how == "file":
        (directory / "password").write_text(f"{password}\n", "utf-8")
        arguments += ["--password-file", str(directory / "password")]
    elif how == "environment":
        environ["TOR_CONTROL_PASSWD"] = password
    with Program(*arguments, environ=environ) as program:
        if how == "prompt":
            program.wait_for("Password of the tor at")
            program.send(f"{password}\r")
        yield program


@pytest.mark.parametrize("how", ["file", "environment", "prompt"])
def test_password_of_any_characters_is_accepted_and_never_shown(
    password_tor: RealTor, how: str, tmp_path: Path
) -> None:
    with program_with_password(password_tor, SECRET, how, tmp_path) as program:
        program.wait_for(re.compile(r"tor 0\.\d+\.\d+"))
        if (cmdline := Path(f"/proc/{program.pid}/cmdline")).exists():
            assert b"bwgraph" in cmdline.read_bytes()
            assert SECRET.encode() not in cmdline.read_bytes()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()
        assert SECRET.encode() not in program.raw
        assert b"slash" not in program.raw


@pytest.mark.parametrize("how", ["file", "environment", "prompt"])
def test_wrong_password_of_a_real_tor_is_reported_without_repeating_it(
    password_tor: RealTor, how: str, tmp_path: Path
) -> None:
    wrong = SECRET.swapcase()
    with program_with_password(password_tor, wrong, how, tmp_path) as program:
        assert program.wait_exit() == 1
        assert program.on_normal_screen()
        message = program.after_graph()
        assert f"127.0.0.1:{password_tor.port}: tor did not accept the password" in message
        assert "Traceback" not in message
        assert b"SLASH" not in program.raw


# Rates.


def test_traffic_before_the_start_is_not_a_rate(tor: RealTor) -> None:
    with Control(tor) as control:
        # Nobody has subscribed, so the first event that tor sends will contain these bytes.
        control.let_read(400_000)
        control.let_write(20)
        with Program("--port", str(tor.port)) as program:
            wait_connected(program)
            shown = Shown(program)
    for direction in ("download", "upload"):
        peak = shown.peak[direction]
        assert peak is not None
        assert peak < 1000


def test_rates_and_bars_follow_the_traffic(tor: RealTor) -> None:
    with Program("--port", str(tor.port), size=(100, 24)) as program:
        wait_connected(program)
        quiet = Shown(program).peak["download"]
        assert quiet is not None
        assert quiet < 1000
        wait_follows(program, tor)
        program.watch(0.1)  # let the whole frame arrive; the next is drawn in a second
        lines, shown = program.display(), Shown(program)
        current, peak = shown.current["download"], shown.peak["download"]
        assert current is not None
        assert peak is not None
        # The ceiling is the step above the peak. The peak may be above the current rate, if bytes
        # of two tries were counted in the same second.
        match = re.match(r" *([12]00) KiB/s ┤", lines[2])
        assert match is not None
        ceiling = int(match[1]) * 1024
        assert ceiling in {BYTES.round_up(peak * 0.995), BYTES.round_up(peak * 1.005)}
        # The newest bar has the height of its rate.
        axis = next(y for y, line in enumerate(lines) if re.match(r" +0 └", line))
        bar = [max(BLOCK.levels.find(line[99:]), 0) for line in lines[2:axis]]
        assert sum(bar) == pytest.approx(8 * len(bar) * current / ceiling, abs=1)
        # Written bytes are in the graph of the upload.
        with Control(tor) as control:
            program.wait_until(lambda: (Shown(program).current["upload"] or 0) < 2000, "a pause")
            written = control.let_write(10)
            program.wait_until(
                lambda: (Shown(program).peak["upload"] or 0) > 0.4 * written, "the upload"
            )


# Tor ends, restarts, stops and continues.


def open_sockets(pid: int) -> set[str]:
    """Return the sockets of a process; none on systems without /proc."""
    if not Path(f"/proc/{pid}/fd").exists():
        return set()
    links = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return {link for link in links if link.startswith("socket:")}


def assert_lost_since(program: Program, when: datetime) -> None:
    """Wait until the status line shows that tor was lost at about this time."""
    match = program.wait_for(re.compile(rf"{NO_TOR} (\d\d):(\d\d):(\d\d)"))
    hour, minute, second = map(int, match.groups())
    expected = when.hour * 3600 + when.minute * 60 + when.second
    earlier = (expected - (hour * 3600 + minute * 60 + second)) % 86_400
    assert earlier in {86_399, 0, 1, 2}


@pytest.mark.parametrize("ending", ["SIGKILL", "SIGTERM"])
def test_graph_stays_when_tor_ends_and_continues_with_the_next_tor(
    tor: RealTor, ending: str
) -> None:
    with Program("--port", str(tor.port), size=(120, 24)) as program:
        program.wait_for(re.compile(r"tor 0\.\d+\.\d+"))
        with Control(tor) as control:
            control.let_read(200_000)
        program.wait_until(lambda: (Shown(program).peak["download"] or 0) > 90 * 1024, "a peak")
        cookie = tor.cookie_path.read_bytes()
        when = datetime.now()  # noqa: DTZ005 - the screen shows local time
        if ending == "SIGKILL":
            tor.kill()
        else:
            tor.terminate()
        assert_lost_since(program, when)
        peak = Shown(program).peak["download"]
        assert peak is not None
        assert peak > 90 * 1024
        program.wait_for("connection refused")  # the result of the first retry
        tor.start()
        assert tor.cookie_path.read_bytes() != cookie
        program.wait_gone(NO_TOR)
        wait_follows(program, tor)
        assert program.fits()
        program.send("q")
        assert program.wait_exit() == 0
        assert program.on_normal_screen()


def test_silent_tor_is_late_then_lost_within_5_seconds_then_connected(tor: RealTor) -> None:
    with Program("--port", str(tor.port), size=(120, 24)) as program:
        wait_connected(program)
        when = datetime.now()  # noqa: DTZ005 - the screen shows local time
        stopped = time.monotonic()
        tor.pause()
        try:
            program.wait_for("late: no data from tor for")
            assert NO_TOR not in program.text()
            assert Shown(program).current == {"download": None, "upload": None}
            program.wait_for(NO_TOR)
            assert time.monotonic() - stopped < 5.0
            assert_lost_since(program, when)
        finally:
            tor.resume()
        program.wait_gone(NO_TOR)
        wait_follows(program, tor)


def test_stopped_program_keeps_its_connection_when_it_continues(tor: RealTor) -> None:
    with ExitStack() as stack:
        # Several programs, since it is random which thread runs first after the continuation.
        programs = [stack.enter_context(Program("--port", str(tor.port))) for _ in range(4)]
        for program in programs:
            wait_connected(program)
        before = [open_sockets(program.pid) for program in programs]
        for program in programs:
            program.send("\x1a")
            assert program.wait_stopped() == signal.SIGTSTP
        time.sleep(4.8)  # longer than tor may be silent
        written = [len(program.raw) for program in programs]
        for program in programs:
            program.fg()
        for program in programs:
            # The samples that tor sent meanwhile arrive, so there is no gap.
            wait_connected(program, seconds=6)
        for program, sockets, length in zip(programs, before, written, strict=True):
            assert NO_TOR.encode() not in program.raw[length:]
            assert open_sockets(program.pid) == sockets


# Descriptions of a tor.


def description_when(tor: RealTor, condition: Callable[[Context], object]) -> Context:
    """Return the first description of a tor for which a condition holds."""
    recorder, context = EventRecorder(), Context()

    def holds() -> bool:
        nonlocal context
        context = recorder.wait_for(Described).context
        return bool(condition(context))

    # Tor is asked for its description at once and ten times a second.
    timing = Timing(first_describe_delay_s=0.0, describe_interval_s=0.1)
    source = TorSource([ControlPort("127.0.0.1", tor.port)], Credentials(), timing=timing)
    source.start(recorder)
    try:
        wait_until(holds, "the description fulfils the condition")
    finally:
        source.close()
    assert recorder.problem_texts == []
    return context


def test_description_of_a_client_with_a_quota(tmp_path: Path) -> None:
    lines = ("AccountingMax 1 GBytes", "AccountingRule sum", "AccountingStart day 00:00")
    with RealTor(tmp_path, None, *lines, "BandwidthRate 5 MBytes") as tor:
        with Control(tor) as control:
            control.let_read(400_000)
        context = description_when(
            tor, lambda context: context.quota and (context.quota.used or 0) > 400_000
        )
    assert context.fingerprint == ""
    assert context.limit == Limit(5 << 20, "BandwidthRate")
    quota = context.quota
    assert isinstance(quota, Quota)
    assert (quota.rule, quota.hibernating) == ("sum", "awake")
    assert quota.remaining is not None
    assert quota.remaining[0] == quota.remaining[1], "tor reports the remainder of both twice"
    assert quota.used is not None
    assert quota.left is not None
    # The two numbers are asked for one after the other, and the bytes of that are counted.
    assert quota.used + quota.left == pytest.approx(1 << 30, abs=50_000)
    assert quota.start is not None
    assert quota.end is not None
    assert quota.start <= datetime.now(UTC) < quota.end
    assert quota.start.astimezone().hour == quota.end.astimezone().hour == 0


def test_description_of_a_relay_whose_quota_is_used_up(tmp_path: Path) -> None:
    lines = (
        f"ORPort 127.0.0.1:{free_port()}",
        "AssumeReachable 1",
        "PublishServerDescriptor 0",
        "BandwidthRate 5 MBytes",
        "RelayBandwidthRate 2 MBytes",
        "AccountingMax 200 KBytes",
        "AccountingRule in",
        "AccountingStart day 00:00",
    )
    with RealTor(tmp_path, None, *lines) as tor:
        with Control(tor) as control:
            control.let_read(300_000)
        context = description_when(
            tor, lambda context: context.quota and context.quota.hibernating == "hard"
        )
    assert len(context.fingerprint) == 40
    assert context.limit == Limit(2 << 20, "RelayBandwidthRate")
    quota = context.quota
    assert isinstance(quota, Quota)
    assert (quota.rule, quota.left) == ("in", 0)
    assert quota.remaining == (0, 200 << 10), "tor reports the whole quota for the other direction"
    assert quota.used is not None
    assert quota.used >= 300_000
