"""What a source asks its tor in the background, and the order in which it reports."""

import threading
import time

from event_recorder import EventRecorder, wait_until
from fake_tor import (
    FILTER,
    FakeTor,
    Session,
    TorBehavior,
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


def test_counters_are_compared_repeatedly() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing):
        counters = recorder.wait_for(Connected).counters
        assert counters == CounterBase(424_182, 13)
        for _ in range(3):
            assert recorder.wait_for(CounterBase) == counters
        server.emit(5, 6)
        for _ in range(3):  # the first may have been requested before the event
            recorder.wait_for(CounterBase)
        assert recorder.wait_for(CounterBase) == counters


def test_wrapped_event_is_reported() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=recorder, timing=timing):
        recorder.wait_for(CounterBase)
        server.add_traffic(0, 3 << 32)
        server.emit(5, 6)
        sample = recorder.wait_for(Sample)
        assert recorder.wait_for(Wrapped).missing_bytes == Sample(
            sample.ends_at, 0, 3 << 32, sample.seconds
        )


def test_refused_counters_are_not_reported() -> None:
    timing = HASTY._replace(first_counter_delay_s=0.01, counter_interval_s=0.01)
    recorder = EventRecorder()
    with FakeTor(FILTER) as server, started(server.endpoint, report=recorder, timing=timing):
        assert recorder.wait_for(Connected).counters is None
        wait_until(
            lambda: server.commands.count("GETINFO traffic/read") > 3, "it was requested repeatedly"
        )
        server.emit(5, 6)
        recorder.wait_for(Sample)
    assert [type(event) for event in recorder.events] == [Connected, Sample]


def test_unanswered_counters_block_nothing() -> None:
    timing = IMPATIENT._replace(first_counter_delay_s=0.01)
    recorder = EventRecorder()

    def answer_the_rest(session: Session) -> None:
        asked = 0
        while (line := session.line()) is not None:
            asked += line == b"GETINFO traffic/read"
            if asked < 2:
                session.send(session._reply(line, TorBehavior()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with (
        FakeTor(answer_the_rest) as server,
        started(server.endpoint, report=recorder, timing=timing) as source,
    ):
        recorder.wait_for(Connected)
        wait_until(lambda: server.commands.count("GETINFO traffic/read") == 2, "it is requested")
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        started_at = time.monotonic()
        source.close()
        assert time.monotonic() - started_at < 1


def test_description_is_requested_repeatedly() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.01, describe_interval_s=0.01)
    recorder, conf = EventRecorder(), {"bandwidthrate": "1000"}
    with (
        FakeTor(TorBehavior(conf=conf)) as server,
        started(server.endpoint, report=recorder, timing=timing),
    ):
        assert recorder.wait_for(Described).context.limit == Limit(1000, "BandwidthRate")
        conf["bandwidthrate"] = "2000"
        recorder.wait_for(Described)  # which may have been requested before
        assert recorder.wait_for(Described).context.limit == Limit(2000, "BandwidthRate")
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
    assert isinstance(recorder.events[0], Connected)


def test_tor_without_any_description_stays_connected() -> None:
    timing = HASTY._replace(
        first_describe_delay_s=0.001,
        describe_interval_s=0.001,
        first_counter_delay_s=0.001,
        counter_interval_s=0.001,
    )
    recorder = EventRecorder()
    with FakeTor(FILTER) as server, started(server.endpoint, report=recorder, timing=timing):
        for number in range(20):
            assert recorder.wait_for(Described).context == Context()
            server.emit(number, 0)
        wait_until(lambda: len(recorder.samples) == 20, "all have arrived")
        assert server.accepted == 1
        asked = server.commands.count("GETCONF BandwidthRate")
        rounds = sum(isinstance(event, Described) for event in recorder.events)
        assert asked <= rounds // 10 + 2
    assert not [event for event in recorder.events if isinstance(event, Lost)]
    assert recorder.problem_texts == []


def test_connected_is_reported_before_the_description_is_requested() -> None:
    timing = HASTY._replace(first_describe_delay_s=0.0)
    asked: list[list[str]] = []

    def report(event: Event) -> None:
        if isinstance(event, Connected):
            asked.append(list(server.commands))
        recorder(event)

    recorder = EventRecorder()
    with FakeTor() as server, started(server.endpoint, report=report, timing=timing):
        recorder.wait_for(Described)
        # One request at a time, and the next one is not due yet.
        assert server.commands.count("GETCONF BandwidthRate") == 1
    assert "GETCONF BandwidthRate" not in asked[0]


def test_unanswered_question_blocks_nothing() -> None:
    timing = IMPATIENT._replace(first_describe_delay_s=0.01)
    recorder = EventRecorder()

    def answer_the_rest(session: Session) -> None:
        while (line := session.line()) is not None:
            if line != b"GETCONF BandwidthRate":
                session.send(session._reply(line, TorBehavior()))
            if line == b"SETEVENTS BW":
                session.send(b"650 BW 1 1\r\n")
                session.server.now_subscribed(session)

    with (
        FakeTor(answer_the_rest) as server,
        started(server.endpoint, report=recorder, timing=timing) as source,
    ):
        recorder.wait_for(Connected)
        wait_until(lambda: "GETCONF BandwidthRate" in server.commands, "it is requested")
        server.emit(5, 6)
        assert recorder.wait_for(Sample).read == 5
        started_at = time.monotonic()
        source.close()
        assert time.monotonic() - started_at < 1
    assert not [event for event in recorder.events if isinstance(event, Described)]


def test_connected_contains_uptime_and_process() -> None:
    recorder = EventRecorder()
    with (
        FakeTor(TorBehavior(uptime=86_400, process=99)) as server,
        started(server.endpoint, report=recorder),
    ):
        connected = recorder.wait_for(Connected)
        assert (connected.uptime, connected.process, connected.recent) == (86_400.0, "99", ())
        server.behaviour = TorBehavior(uptime=3, process=100)
        server.hang_up()
        connected = recorder.wait_for(Connected)
        assert (connected.uptime, connected.process) == (3.0, "100")


def test_events_before_connected_are_reported_after_it() -> None:
    recorder, checked = EventRecorder(), threading.Event()

    def report(event: Event) -> None:
        if isinstance(event, Connected):
            server.emit(1, 0)
            server.emit(2, 0)
            connection = source._current
            assert connection is not None
            wait_until(
                lambda: connection._counter_check.sample_bytes == (3, 0), "both have arrived"
            )
            assert not recorder.samples
            checked.set()
        recorder(event)

    with FakeTor() as server, started(server.endpoint, report=report) as source:
        assert checked.wait(10)
        server.emit(3, 0)
        wait_until(lambda: len(recorder.samples) == 3, "all are reported, with the next")
    assert [type(event) for event in recorder.events] == [Connected, Sample, Sample, Sample]
    assert [sample.read for sample in recorder.samples] == [1, 2, 3]
