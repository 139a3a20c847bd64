"""The demo's control port: by hand, and through the very link that real tors use."""

import select
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import pytest
from ear import Ear, eventually, threads_at_work

from bwgraph.model.events import Connected, CounterBase, Described, Lost, Sample
from bwgraph.model.quota import Limit
from bwgraph.tor import demo, demo_traffic
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing
from bwgraph.tor.transport import Transport


class Beat:
    """The demo's clock and its ``select``: a second passes when the test says so."""

    def __init__(self) -> None:
        self.time = 5000.0
        self._seconds = threading.Semaphore(0)
        self._stopped = 0.0

    def now(self) -> float:
        return self.time

    def pass_one(self, stopped: float = 0.0) -> None:
        """Let the wait for the next second end, so much later than it should have.

        The time changes in the demo's own thread: changed from here, it would be seen before or
        after the demo has worked out how long to wait.
        """
        self._stopped = stopped
        self._seconds.release()

    def select(
        self, readers: list[socket.socket], _: list[int], __: list[int], timeout: float | None
    ) -> tuple[list[socket.socket], list[int], list[int]]:
        """Return when there is something to read, or when the time has passed."""
        while not (ready := select.select(readers, [], [], 0.001)[0]):
            if timeout is not None and (timeout == 0 or self._seconds.acquire(blocking=False)):
                self.time += timeout + self._stopped
                self._stopped = 0.0
                break
        return ready, [], []


@pytest.fixture(autouse=True)
def beat(monkeypatch: pytest.MonkeyPatch) -> Beat:
    beat = Beat()
    monkeypatch.setattr(demo, "now", beat.now)
    monkeypatch.setattr(demo, "select", beat)
    return beat


class Controller:
    """A control connection by hand."""

    def __init__(self, wire: Transport) -> None:
        self.wire = wire
        self._file: BinaryIO = wire.makefile("rb")

    def line(self) -> str:
        raw = self._file.readline()
        assert raw.endswith(b"\r\n")
        return raw.decode("ascii").removesuffix("\r\n")

    def ask(self, command: str) -> list[str]:
        """The lines of one answer."""
        self.wire.sendall(f"{command}\r\n".encode())
        lines = [self.line()]
        while lines[-1][3] != " ":
            lines.append(self.line())
        return lines

    def silent(self) -> bool:
        """Whether nothing comes, for long enough for an event that is due."""
        return not select.select([self.wire], [], [], 0.05)[0]

    def close(self) -> None:
        self._file.close()
        self.wire.close()


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller(demo.DemoTor().connect(demo.ENDPOINT))
    yield controller
    controller.close()


def test_the_link_of_real_tors_connects_to_it(beat: Beat) -> None:
    ear = Ear()
    link = TorSource([demo.ENDPOINT], Credentials(), demo.DemoTor().connect)
    link.start(ear)
    news = ear.wait_for(Connected)
    assert (news.endpoint, news.version, news.nickname) == ("demo", demo.VERSION, "demo")
    # The first event, which is no sample, is in what was counted before them.
    read, written = demo_traffic.traffic(demo.START_OF_DEMO_S)
    before = demo_traffic.MEAN_RATE * demo.UPTIME_AT_START_S
    assert news.counters == CounterBase(before + read, before + written)
    assert (news.uptime, news.process, news.recent) == (demo.UPTIME_AT_START_S, "", ())
    moved = []
    for _ in range(5):
        beat.pass_one()
        sample = ear.wait_for(Sample)
        moved.append((sample.read, sample.written))
    link.close()
    # The first second of the morning is the event of the subscription, which is no sample.
    assert moved == [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 6)]
    assert ear.troubles == []


def test_it_is_reached_again_after_a_loss() -> None:
    timing = Timing(reconnect_delays_s=(0.001,))
    dialled: list[Transport] = []

    def dial(place: Endpoint, timing: Timing) -> Transport:
        dialled.append(demo.DemoTor().connect(place, timing))
        return dialled[-1]

    ear = Ear()
    link = TorSource([demo.ENDPOINT], Credentials(), dial, timing=timing)
    link.start(ear)
    ear.wait_for(Connected)
    dialled[0].hang_up()
    ear.wait_for(Lost)
    ear.wait_for(Connected)
    link.close()
    assert len(dialled) == 2


@pytest.mark.parametrize("speed", [1, 60, 3600])
def test_its_day_goes_by_at_the_speed_that_was_asked_for(
    speed: int, beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_traffic, "traffic", lambda second: (second, 0))
    controller = Controller(demo.DemoTor(speed).connect(demo.ENDPOINT))
    controller.ask("SETEVENTS BW")
    seconds = []
    for _ in range(4):
        seconds.append(int(controller.line().split()[2]))
        beat.pass_one()
    controller.close()
    # As many events as ever, one a second, each from later in the day.
    assert seconds == [demo.START_OF_DEMO_S + number * speed for number in range(4)]


def test_it_listens_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("it listens")

    for name in ("bind", "listen", "accept", "connect"):
        monkeypatch.setattr(socket.socket, name, forbidden, raising=False)
    wire = demo.DemoTor().connect(demo.ENDPOINT)
    controller = Controller(wire)
    assert controller.ask("PROTOCOLINFO 1")[0] == "250-PROTOCOLINFO 1"
    # A socket pair: nobody else can ever reach it.
    assert not wire.getsockname()
    assert not wire.getpeername()
    controller.close()


def test_its_thread_is_a_daemon_and_ends_with_the_connection() -> None:
    wire = demo.DemoTor().connect(demo.ENDPOINT)
    assert [(thread.name, thread.daemon) for thread in threads_at_work()] == [
        ("bwgraph demo", True)
    ]
    wire.close()
    eventually(lambda: not threads_at_work(), "the thread ended")


def test_it_ends_when_the_other_side_goes_while_it_sends(beat: Beat) -> None:
    controller = Controller(demo.DemoTor().connect(demo.ENDPOINT))
    controller.ask("SETEVENTS BW")
    controller.wire.shutdown(socket.SHUT_RD)  # from now on sending to it fails
    beat.pass_one()
    eventually(lambda: not threads_at_work(), "the thread ended")
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


def test_events_begin_with_the_subscription_and_end_with_it(
    controller: Controller, beat: Beat
) -> None:
    assert controller.ask("SETEVENTS BW") == ["250 OK"]
    assert controller.line() == "650 BW {} {}".format(*demo_traffic.traffic(demo.START_OF_DEMO_S))
    beat.pass_one()
    assert controller.line() == "650 BW {} {}".format(
        *demo_traffic.traffic(demo.START_OF_DEMO_S + 1)
    )
    assert controller.ask("SETEVENTS") == ["250 OK"]
    beat.pass_one()
    assert controller.silent()
    assert controller.ask("GETINFO version") == [f"250-version={demo.VERSION}", "250 OK"]


def test_a_late_event_holds_the_seconds_in_between(controller: Controller, beat: Beat) -> None:
    controller.ask("SETEVENTS BW")
    controller.line()
    beat.pass_one(stopped=7.0)  # we were, and the demo with us
    moved = [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 9)]
    read, written = (sum(direction) for direction in zip(*moved, strict=True))
    assert controller.line() == f"650 BW {read} {written}"


@pytest.mark.parametrize("events", ["CIRC", "BW CIRC", "SIGNAL CONF_CHANGED STATUS_SERVER BW"])
def test_other_events_are_refused_with_the_whole_line(
    controller: Controller, events: str, beat: Beat
) -> None:
    assert controller.ask(f"SETEVENTS {events}") == ["552 Unrecognized event"]
    beat.pass_one()
    assert controller.silent()


def test_totals_go_on_from_a_life_before_the_demo(controller: Controller, beat: Beat) -> None:
    before = demo_traffic.MEAN_RATE * demo.UPTIME_AT_START_S
    assert controller.ask("GETINFO traffic/read") == [f"250-traffic/read={before}", "250 OK"]
    controller.ask("SETEVENTS BW")
    moved = []
    for _ in range(3):
        moved.append([int(number) for number in controller.line().split()[2:]])
        beat.pass_one()
    controller.line()
    controller.ask("SETEVENTS")
    read, written = (sum(column) for column in zip(*moved, strict=True))
    last = demo_traffic.traffic(demo.START_OF_DEMO_S + 3)
    assert controller.ask("GETINFO traffic/read traffic/written") == [
        f"250-traffic/read={before + read + last[0]}",
        f"250-traffic/written={before + written + last[1]}",
        "250 OK",
    ]


def test_uptime_goes_on(controller: Controller, beat: Beat) -> None:
    assert controller.ask("GETINFO uptime")[0] == f"250-uptime={demo.UPTIME_AT_START_S}"
    beat.time += 100
    assert controller.ask("GETINFO uptime")[0] == f"250-uptime={demo.UPTIME_AT_START_S + 100}"


def test_it_tells_of_itself_what_a_relay_with_accounting_does(beat: Beat) -> None:
    timing = Timing(first_describe_delay_s=0.0, describe_interval_s=0.0)
    ear, now = Ear(), datetime.now(UTC)
    link = TorSource([demo.ENDPOINT], Credentials(), demo.DemoTor().connect, timing=timing)
    link.start(ear)
    told = ear.wait_for(Described).context
    assert told.fingerprint == demo.FINGERPRINT
    assert told.limit == Limit(demo.BANDWIDTH_RATE, "BandwidthRate")
    quota = told.quota
    assert quota is not None
    assert (quota.rule, quota.hibernating) == ("sum", "awake")
    # It is as if it had moved its mean through all of the interval so far.
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
        beat.pass_one()
        ear.wait_for(Sample)
    ear.wait_for(Described)
    after = ear.wait_for(Described).context.quota
    link.close()
    moved = [demo_traffic.traffic(demo.START_OF_DEMO_S + second) for second in range(1, 4)]
    assert after is not None
    assert after.used == quota.used + sum(map(sum, moved))
    assert quota.left is not None
    assert after.left == quota.left - sum(map(sum, moved))


def test_its_interval_is_a_month_of_accounting_on_any_day() -> None:
    for day in range(1500):
        now = datetime(2024, 1, 1, 13, tzinfo=UTC) + timedelta(days=day)
        start, end = demo._accounting_interval(now)
        assert start.day == end.day <= 28
        assert 28 <= (end - start).days <= 31
        assert 20 <= (now - start).days < 24
        assert 4 < (end - now).days < 12


def test_the_event_cache_is_as_long_as_tors(controller: Controller, beat: Beat) -> None:
    assert controller.ask("GETINFO bw-event-cache") == ["250-bw-event-cache=", "250 OK"]
    controller.ask("SETEVENTS BW")
    for _ in range(demo.CACHE_ENTRIES + 5):
        beat.pass_one()
    events = [controller.line().split()[2:] for _ in range(demo.CACHE_ENTRIES + 6)]
    controller.ask("SETEVENTS")
    cache = controller.ask("GETINFO bw-event-cache")[0].removeprefix("250-bw-event-cache=")
    assert cache.split() == [",".join(event) for event in events[-demo.CACHE_ENTRIES :]]


def test_a_key_that_is_not_known_is_refused_with_the_whole_line(controller: Controller) -> None:
    assert controller.ask("GETINFO version accounting/max") == [
        '552 Unrecognized key "accounting/max"'
    ]


def test_its_name(controller: Controller) -> None:
    assert controller.ask("GETCONF Nickname") == ["250 Nickname=demo"]
    assert controller.ask("GETCONF nickname NICKNAME") == ["250-Nickname=demo", "250 Nickname=demo"]
    assert controller.ask("GETCONF __OwningControllerProcess")[0].startswith("552 ")
    assert controller.ask("GETCONF")[0].startswith("552 ")


@pytest.mark.parametrize("command", ["QUIT", "SIGNAL HALT", "TAKEOWNERSHIP", "", "\u00e9"])
def test_other_commands_are_refused_and_it_goes_on(controller: Controller, command: str) -> None:
    assert controller.ask(command) == ["510 Unrecognized command"]
    assert controller.ask("authenticate") == ["250 OK"]


def test_commands_may_come_in_pieces_and_together(controller: Controller) -> None:
    for piece in (b"AUTHEN", b"TICATE\r", b"\nGETCONF Nickname\r\nPROTO"):
        controller.wire.sendall(piece)
    assert controller.line() == "250 OK"
    assert controller.line() == "250 Nickname=demo"
    assert controller.ask("COLINFO 1")[0] == "250-PROTOCOLINFO 1"


def test_two_connections_know_nothing_of_each_other() -> None:
    relay = demo.DemoTor()
    one, two = (Controller(relay.connect(demo.ENDPOINT)) for _ in range(2))
    one.ask("SETEVENTS BW")
    one.line()
    assert two.ask("GETINFO version")[-1] == "250 OK"
    assert two.ask("GETINFO bw-event-cache")[0] == "250-bw-event-cache="
    one.close()
    assert two.ask("AUTHENTICATE") == ["250 OK"]
    two.close()
