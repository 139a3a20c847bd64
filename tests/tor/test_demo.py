"""The demo's control port, through a raw connection and through the source of real tors."""

import select
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import pytest
from event_recorder import EventRecorder, running_threads, wait_until

from bwgraph.model.events import Connected, CounterBase, Described, Lost, Sample
from bwgraph.model.quota import Limit
from bwgraph.tor import demo, demo_traffic
from bwgraph.tor.counters import CACHE_ENTRIES
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing
from bwgraph.tor.transport import Transport


class ManualSeconds:
    """The demo's clock and its ``select``: a second passes when the test lets it."""

    def __init__(self) -> None:
        self.time = 5000.0
        self._permits = threading.Semaphore(0)
        self._stopped = 0.0

    def now(self) -> float:
        return self.time

    def pass_one(self, stopped: float = 0.0) -> None:
        """Let the wait for the next second end, late by ``stopped`` seconds.

        The time changes in the demo's own thread. If it changed here, the demo could read the clock
        before or after that.
        """
        self._stopped = stopped
        self._permits.release()

    def select(
        self, readers: list[socket.socket], _: list[int], __: list[int], timeout: float | None
    ) -> tuple[list[socket.socket], list[int], list[int]]:
        """Return when there is something to read, or when the time has passed."""
        while not (ready := select.select(readers, [], [], 0.001)[0]):
            if timeout is not None and (timeout == 0 or self._permits.acquire(blocking=False)):
                self.time += timeout + self._stopped
                self._stopped = 0.0
                break
        return ready, [], []


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> ManualSeconds:
    seconds = ManualSeconds()
    monkeypatch.setattr(demo, "now", seconds.now)
    monkeypatch.setattr(demo, "select", seconds)
    return seconds


class Controller:
    """A raw control connection."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._file: BinaryIO = transport.makefile("rb")

    def line(self) -> str:
        raw = self._file.readline()
        assert raw.endswith(b"\r\n")
        return raw.decode("ascii").removesuffix("\r\n")

    def ask(self, command: str) -> list[str]:
        """Send a command, and return the lines of the answer."""
        self.transport.sendall(f"{command}\r\n".encode())
        lines = [self.line()]
        while lines[-1][3] != " ":
            lines.append(self.line())
        return lines

    def silent(self) -> bool:
        """Return whether nothing arrives in the time in which a due event would."""
        return not select.select([self.transport], [], [], 0.05)[0]

    def close(self) -> None:
        self._file.close()
        self.transport.close()


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller(demo.DemoTor().connect(demo.ENDPOINT))
    yield controller
    controller.close()


def test_source_of_real_tors_connects_to_the_demo(seconds: ManualSeconds) -> None:
    recorder = EventRecorder()
    source = TorSource([demo.ENDPOINT], Credentials(), demo.DemoTor().connect)
    source.start(recorder)
    connected = recorder.wait_for(Connected)
    assert (connected.endpoint, connected.version, connected.nickname) == (
        "demo",
        demo.VERSION,
        "demo",
    )
    # The first event is not a sample, so its bytes are in the counters before the samples.
    read, written = demo_traffic.traffic(demo.START_OF_DEMO_S)
    before = demo_traffic.MEAN_RATE * demo.UPTIME_AT_START_S
    assert connected.counters == CounterBase(before + read, before + written)
    assert (connected.uptime, connected.process, connected.recent) == (
        demo.UPTIME_AT_START_S,
        "",
        (),
    )
    moved = []
    for _ in range(5):
        seconds.pass_one()
        sample = recorder.wait_for(Sample)
        moved.append((sample.read, sample.written))
    source.close()
    # The first second is the event of the subscription, which is not a sample.
    assert moved == [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 6)]
    assert recorder.problem_texts == []


def test_source_reconnects_to_the_demo() -> None:
    timing = Timing(reconnect_delays_s=(0.001,))
    transports: list[Transport] = []

    def connect(endpoint: Endpoint, timing: Timing) -> Transport:
        transports.append(demo.DemoTor().connect(endpoint, timing))
        return transports[-1]

    recorder = EventRecorder()
    source = TorSource([demo.ENDPOINT], Credentials(), connect, timing=timing)
    source.start(recorder)
    recorder.wait_for(Connected)
    transports[0].hang_up()
    recorder.wait_for(Lost)
    recorder.wait_for(Connected)
    source.close()
    assert len(transports) == 2


@pytest.mark.parametrize("speed", [1, 60, 3600])
def test_day_passes_at_the_given_speed(
    speed: int, seconds: ManualSeconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_traffic, "traffic", lambda second: (second, 0))
    controller = Controller(demo.DemoTor(speed).connect(demo.ENDPOINT))
    controller.ask("SETEVENTS BW")
    numbers = []
    for _ in range(4):
        numbers.append(int(controller.line().split()[2]))
        seconds.pass_one()
    controller.close()
    # Still one event a second, but each from later in the day.
    assert numbers == [demo.START_OF_DEMO_S + number * speed for number in range(4)]


def test_demo_listens_on_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("the demo listens")

    for name in ("bind", "listen", "accept", "connect"):
        monkeypatch.setattr(socket.socket, name, forbidden, raising=False)
    transport = demo.DemoTor().connect(demo.ENDPOINT)
    controller = Controller(transport)
    assert controller.ask("PROTOCOLINFO 1")[0] == "250-PROTOCOLINFO 1"
    # It is a socket pair, which no other process can connect to.
    assert not transport.getsockname()
    assert not transport.getpeername()
    controller.close()


def test_thread_is_a_daemon_and_ends_with_the_connection() -> None:
    transport = demo.DemoTor().connect(demo.ENDPOINT)
    assert [(thread.name, thread.daemon) for thread in running_threads()] == [
        ("bwgraph demo", True)
    ]
    transport.close()
    wait_until(lambda: not running_threads(), "the thread has ended")


def test_thread_ends_if_the_connection_ends_during_a_send(seconds: ManualSeconds) -> None:
    controller = Controller(demo.DemoTor().connect(demo.ENDPOINT))
    controller.ask("SETEVENTS BW")
    controller.transport.shutdown(socket.SHUT_RD)  # sending to it fails after this
    seconds.pass_one()
    wait_until(lambda: not running_threads(), "the thread has ended")
    controller.close()


def test_protocolinfo(controller: Controller) -> None:
    assert controller.ask("PROTOCOLINFO 1") == [
        "250-PROTOCOLINFO 1",
        "250-AUTH METHODS=NULL",
        f'250-VERSION Tor="{demo.VERSION}"',
        "250 OK",
    ]


def test_authenticate(controller: Controller) -> None:
    assert controller.ask("AUTHENTICATE") == ["250 OK"]


def test_events_begin_and_end_with_the_subscription(
    controller: Controller, seconds: ManualSeconds
) -> None:
    assert controller.ask("SETEVENTS BW") == ["250 OK"]
    assert controller.line() == "650 BW {} {}".format(*demo_traffic.traffic(demo.START_OF_DEMO_S))
    seconds.pass_one()
    assert controller.line() == "650 BW {} {}".format(
        *demo_traffic.traffic(demo.START_OF_DEMO_S + 1)
    )
    assert controller.ask("SETEVENTS") == ["250 OK"]
    seconds.pass_one()
    assert controller.silent()
    assert controller.ask("GETINFO version") == [f"250-version={demo.VERSION}", "250 OK"]


def test_late_event_contains_the_seconds_in_between(
    controller: Controller, seconds: ManualSeconds
) -> None:
    controller.ask("SETEVENTS BW")
    controller.line()
    seconds.pass_one(stopped=7.0)  # as after ^Z and fg
    moved = [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 9)]
    read, written = (sum(direction) for direction in zip(*moved, strict=True))
    assert controller.line() == f"650 BW {read} {written}"


@pytest.mark.parametrize("events", ["CIRC", "BW CIRC", "SIGNAL CONF_CHANGED STATUS_SERVER BW"])
def test_other_events_refuse_the_whole_command(
    controller: Controller, events: str, seconds: ManualSeconds
) -> None:
    assert controller.ask(f"SETEVENTS {events}") == ["552 Unrecognized event"]
    seconds.pass_one()
    assert controller.silent()


def test_counters_begin_before_the_demo(controller: Controller, seconds: ManualSeconds) -> None:
    before = demo_traffic.MEAN_RATE * demo.UPTIME_AT_START_S
    assert controller.ask("GETINFO traffic/read") == [f"250-traffic/read={before}", "250 OK"]
    controller.ask("SETEVENTS BW")
    moved = []
    for _ in range(3):
        moved.append([int(number) for number in controller.line().split()[2:]])
        seconds.pass_one()
    controller.line()
    controller.ask("SETEVENTS")
    read, written = (sum(column) for column in zip(*moved, strict=True))
    last = demo_traffic.traffic(demo.START_OF_DEMO_S + 3)
    assert controller.ask("GETINFO traffic/read traffic/written") == [
        f"250-traffic/read={before + read + last[0]}",
        f"250-traffic/written={before + written + last[1]}",
        "250 OK",
    ]


def test_uptime_increases(controller: Controller, seconds: ManualSeconds) -> None:
    assert controller.ask("GETINFO uptime")[0] == f"250-uptime={demo.UPTIME_AT_START_S}"
    seconds.time += 100
    assert controller.ask("GETINFO uptime")[0] == f"250-uptime={demo.UPTIME_AT_START_S + 100}"


def test_description_is_that_of_a_relay_with_accounting(seconds: ManualSeconds) -> None:
    timing = Timing(first_describe_delay_s=0.0, describe_interval_s=0.0)
    recorder, now = EventRecorder(), datetime.now(UTC)
    source = TorSource([demo.ENDPOINT], Credentials(), demo.DemoTor().connect, timing=timing)
    source.start(recorder)
    context = recorder.wait_for(Described).context
    assert context.fingerprint == demo.FINGERPRINT
    assert context.limit == Limit(demo.BANDWIDTH_RATE, "BandwidthRate")
    quota = context.quota
    assert quota is not None
    assert (quota.rule, quota.hibernating) == ("sum", "awake")
    # As if its rate had been the mean for the whole interval so far.
    assert quota.start is not None
    assert quota.end is not None
    assert quota.start < now < quota.end
    assert quota.used is not None
    assert quota.used == pytest.approx(
        2 * demo_traffic.MEAN_RATE * (now - quota.start).total_seconds(), rel=0.25
    )
    assert quota.seconds_left((demo_traffic.MEAN_RATE, demo_traffic.MEAN_RATE), now) is not None
    assert quota.seconds_left((demo_traffic.MEAN_RATE / 4, demo_traffic.MEAN_RATE / 4), now) is None
    for _ in range(3):
        seconds.pass_one()
        recorder.wait_for(Sample)
    recorder.wait_for(Described)
    after = recorder.wait_for(Described).context.quota
    source.close()
    moved = [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 4)]
    assert after is not None
    assert after.used == quota.used + sum(map(sum, moved))
    assert quota.left is not None
    assert after.left == quota.left - sum(map(sum, moved))


def test_accounting_interval_is_a_month_on_any_day() -> None:
    for day in range(1500):
        now = datetime(2024, 1, 1, 13, tzinfo=UTC) + timedelta(days=day)
        start, end = demo._accounting_interval(now)
        assert start.day == end.day <= 28
        assert 28 <= (end - start).days <= 31
        assert 20 <= (now - start).days < 24
        assert 4 < (end - now).days < 12


def test_event_cache_is_as_long_as_that_of_tor(
    controller: Controller, seconds: ManualSeconds
) -> None:
    assert controller.ask("GETINFO bw-event-cache") == ["250-bw-event-cache=", "250 OK"]
    controller.ask("SETEVENTS BW")
    for _ in range(CACHE_ENTRIES + 5):
        seconds.pass_one()
    events = [controller.line().split()[2:] for _ in range(CACHE_ENTRIES + 6)]
    controller.ask("SETEVENTS")
    cache = controller.ask("GETINFO bw-event-cache")[0].removeprefix("250-bw-event-cache=")
    assert cache.split() == [",".join(event) for event in events[-CACHE_ENTRIES:]]


def test_unknown_key_refuses_the_whole_command(controller: Controller) -> None:
    assert controller.ask("GETINFO version accounting/max") == [
        '552 Unrecognized key "accounting/max"'
    ]


def test_nickname(controller: Controller) -> None:
    assert controller.ask("GETCONF Nickname") == ["250 Nickname=demo"]
    assert controller.ask("GETCONF nickname NICKNAME") == ["250-Nickname=demo", "250 Nickname=demo"]
    assert controller.ask("GETCONF __OwningControllerProcess")[0].startswith("552 ")
    assert controller.ask("GETCONF")[0].startswith("552 ")


@pytest.mark.parametrize("command", ["QUIT", "SIGNAL HALT", "TAKEOWNERSHIP", "", "\u00e9"])
def test_other_commands_are_refused_and_the_session_continues(
    controller: Controller, command: str
) -> None:
    assert controller.ask(command) == ["510 Unrecognized command"]
    assert controller.ask("authenticate") == ["250 OK"]


def test_commands_may_be_split_and_joined(controller: Controller) -> None:
    for piece in (b"AUTHEN", b"TICATE\r", b"\nGETCONF Nickname\r\nPROTO"):
        controller.transport.sendall(piece)
    assert controller.line() == "250 OK"
    assert controller.line() == "250 Nickname=demo"
    assert controller.ask("COLINFO 1")[0] == "250-PROTOCOLINFO 1"


def test_two_connections_are_independent() -> None:
    relay = demo.DemoTor()
    one, two = (Controller(relay.connect(demo.ENDPOINT)) for _ in range(2))
    one.ask("SETEVENTS BW")
    one.line()
    assert two.ask("GETINFO version")[-1] == "250 OK"
    assert two.ask("GETINFO bw-event-cache")[0] == "250-bw-event-cache="
    one.close()
    assert two.ask("AUTHENTICATE") == ["250 OK"]
    two.close()
