"""What a source asks its tor in the background, and the order in which it reports."""

import threading
import time

from ear import Ear, eventually
from fake_tor import (
    FILTER,
    FakeTor,
    Manners,
    Session,
)
from supervisors import HASTY, IMPATIENT, started

from bwgraph.model.events import (
    Connected,
    CounterBase,
    Described,
    Event,
    Lost,
    Sample,
    Wrapped,
)
from bwgraph.model.quota import Context, Limit

# Tor's own counters


def test_now_and_then_tors_counters_are_asked() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing):
        counted = ear.wait_for(Connected).counters
        assert counted == CounterBase(424_182, 13)
        for _ in range(3):
            assert ear.wait_for(CounterBase) == counted
        server.emit(5, 6)
        for _ in range(3):  # the first may have been asked in between
            ear.wait_for(CounterBase)
        assert ear.wait_for(CounterBase) == counted


def test_an_event_that_wrapped_is_told() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=ear, timing=timing):
        ear.wait_for(CounterBase)
        server.count(0, 3 << 32)
        server.emit(5, 6)
        sample = ear.wait_for(Sample)
        assert ear.wait_for(Wrapped).missing_bytes == Sample(
            sample.ends_at, 0, 3 << 32, sample.seconds
        )


def test_counters_that_are_refused_are_nothing_to_tell() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    ear = Ear()
    with FakeTor(FILTER) as server, started(server.endpoint, report=ear, timing=timing):
        assert ear.wait_for(Connected).counters is None
        eventually(lambda: server.commands.count("GETINFO traffic/read") > 3, "it was asked")
        server.emit(5, 6)
        ear.wait_for(Sample)
    assert [type(event) for event in ear.heard] == [Connected, Sample]


def test_counters_that_are_not_answered_hold_nothing_up() -> None:
    timing = IMPATIENT._replace(first_counter_delay_s=0.01)
    ear = Ear()

    def mute(session: Session) -> None:
        asked = 0
        while (line := session.line()) is not None:
            asked += line == b"GETINFO traffic/read"
            if asked < 2:
                session.send(session._reply(line, Manners()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with FakeTor(mute) as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        eventually(lambda: server.commands.count("GETINFO traffic/read") == 2, "it is asked")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1


def test_now_and_then_tor_is_asked_about_itself() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.01, describe_interval_s=0.01)
    ear, conf = Ear(), {"bandwidthrate": "1000"}
    with FakeTor(Manners(conf=conf)) as server, started(server.endpoint, report=ear, timing=timing):
        assert ear.wait_for(Described).context.limit == Limit(1000, "BandwidthRate")
        conf["bandwidthrate"] = "2000"
        ear.wait_for(Described)  # which may have been asked for before
        assert ear.wait_for(Described).context.limit == Limit(2000, "BandwidthRate")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
    assert isinstance(ear.heard[0], Connected)


def test_a_tor_that_tells_nothing_of_itself_is_still_a_tor() -> None:
    timing = HASTY._replace(
        first_describe_delay_s=0.001,
        describe_interval_s=0.001,
        first_counter_delay_s=0.001,
        counter_interval_s=0.001,
    )
    ear = Ear()
    with FakeTor(FILTER) as server, started(server.endpoint, report=ear, timing=timing):
        for number in range(20):
            assert ear.wait_for(Described).context == Context()
            server.emit(number, 0)
        eventually(lambda: len(ear.samples) == 20, "all have come")
        assert server.accepted == 1
        asked = server.commands.count("GETCONF BandwidthRate")
        rounds = sum(isinstance(event, Described) for event in ear.heard)
        assert asked <= rounds // 10 + 2
    assert not [event for event in ear.heard if isinstance(event, Lost)]
    assert ear.troubles == []


def test_the_connection_is_told_before_tor_is_asked_about_itself() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.0)
    asked: list[list[str]] = []

    def tell(event: Event) -> None:
        if isinstance(event, Connected):
            asked.append(list(server.commands))
        ear(event)

    ear = Ear()
    with FakeTor() as server, started(server.endpoint, report=tell, timing=timing):
        ear.wait_for(Described)
        # One at a time, and the next not before it is due.
        assert server.commands.count("GETCONF BandwidthRate") == 1
    assert "GETCONF BandwidthRate" not in asked[0]


def test_a_question_that_is_not_answered_holds_nothing_up() -> None:
    timing = IMPATIENT._replace(first_describe_delay_s=0.01)
    ear = Ear()

    def mute(session: Session) -> None:
        while (line := session.line()) is not None:
            if line != b"GETCONF BandwidthRate":
                session.send(session._reply(line, Manners()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with FakeTor(mute) as server, started(server.endpoint, report=ear, timing=timing) as worker:
        ear.wait_for(Connected)
        eventually(lambda: "GETCONF BandwidthRate" in server.commands, "it is asked")
        server.emit(5, 6)
        assert ear.wait_for(Sample).read == 5
        begun = time.monotonic()
        worker.close()
        assert time.monotonic() - begun < 1
    assert not [event for event in ear.heard if isinstance(event, Described)]


def test_what_tor_is_comes_along() -> None:
    ear = Ear()
    with (
        FakeTor(Manners(uptime=86_400, process=99)) as server,
        started(server.endpoint, report=ear),
    ):
        news = ear.wait_for(Connected)
        assert (news.uptime, news.process, news.recent) == (86_400.0, "99", ())
        server.behaviour = Manners(uptime=3, process=100)
        server.hang_up()
        news = ear.wait_for(Connected)
        assert (news.uptime, news.process) == (3.0, "100")


def test_events_that_come_before_connected_is_told_come_after_it() -> None:
    ear, held = Ear(), threading.Event()

    def tell(event: Event) -> None:
        if isinstance(event, Connected):
            server.emit(1, 0)
            server.emit(2, 0)
            connection = worker._current
            assert connection is not None
            eventually(lambda: connection._counter_check.sample_bytes == (3, 0), "both have come")
            assert not ear.samples
            held.set()
        ear(event)

    with FakeTor() as server, started(server.endpoint, report=tell) as worker:
        assert held.wait(10)
        server.emit(3, 0)
        eventually(lambda: len(ear.samples) == 3, "all are told, with the next")
    assert [type(event) for event in ear.heard] == [Connected, Sample, Sample, Sample]
    assert [sample.read for sample in ear.samples] == [1, 2, 3]
