"""Replaying a recording: how it is read and playback, and that it shows what was live."""

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from event_recorder import EventRecorder
from loop_world import NOON, START, FakeTerminal, World

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Ended, Problem, Sample
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.recording import reader, replay
from bwgraph.recording.format import MAX_LINE_CHARS, Entry, csv_line, json_line
from bwgraph.recording.intervals import Intervals
from bwgraph.recording.reader import Recording
from bwgraph.recording.replay import MAX_REDRAWS_PER_S, Replay, ReplayClock, read
from bwgraph.screen.frame import Size
from bwgraph.screen.view import ALL_TORS, View
from bwgraph.system import clock
from bwgraph.system import wakeup as wakeup_module
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal import loop

MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)
RECORDING_START = MIDNIGHT.timestamp()


def entry(second: float, read: int = 10, tor: str = "a") -> Entry:
    return Entry(MIDNIGHT + timedelta(seconds=second), tor, read, read // 2, 1.0)


def recording_of(*entries: Entry) -> Recording:
    found = Recording()
    for each in entries:
        found.add(json_line(each))
    return found


# Reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording"


@pytest.mark.parametrize("line", [json_line, csv_line])
def test_file_is_read(path: Path, line: Callable[[Entry], str]) -> None:
    path.write_text("".join(f"{line(entry(second))}\n" for second in range(1, 11)))
    assert len(list(read(str(path)).tracks["a"].samples())) == 10


def test_binary_and_incomplete_lines_are_skipped(path: Path) -> None:
    line = json_line(entry(1)).encode()
    path.write_bytes(b"\x1f\x8b\x00\xff\n" + line + b"\n" + line[:40] + "é".encode()[:1])
    found = read(str(path))
    assert list(found.tracks) == ["a"]
    assert found.skipped_message.startswith("2 lines are skipped: line 1 (")
    assert "line 3 (" in found.skipped_message
    assert found.skipped_message.isprintable()


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_line_that_is_too_long_is_skipped(path: Path, ending: str) -> None:
    long = "x" * (5 * MAX_LINE_CHARS)
    exact = "y" * MAX_LINE_CHARS
    path.write_text(
        f"{json_line(entry(1))}\n{long}\n{exact}\n{json_line(entry(2))}\n{long}{ending}"
    )
    found = read(str(path))
    assert len(found.tracks["a"].ends_at) == 2
    assert [word for word in found.skipped_message.split() if word.isdecimal()] == [
        "3",
        "2",
        "3",
        "5",
    ]


def test_endless_line_is_skipped(path: Path) -> None:
    # A sparse file, which takes next to no room on the disk.
    with path.open("wb") as file:
        file.write(json_line(entry(1)).encode() + b"\n")
        file.truncate(4_000_000)
    found = read(str(path))
    assert found.skipped_message == "a line is skipped: line 2 (too long)"


def test_standard_input_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = f"{json_line(entry(1))}\n\xff\n".encode("latin-1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "ascii"))
    found = read("-")
    assert list(found.tracks) == ["a"]
    assert found.skipped_message.startswith("a line is skipped: line 2 (")


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "No such file or directory"),
        ("", "not a recording: there is no sample in it"),
        ("PNG\n\n\n", "not a recording: a line is skipped: line 1 ("),
    ],
)
def test_file_that_is_no_recording_is_refused(path: Path, content: str | None, cause: str) -> None:
    if content is not None:
        path.write_text(content)
    with pytest.raises(ExplainedError) as refused:
        read(str(path))
    assert refused.value.cause.startswith(f"{path}: {cause}")


def test_directory_and_closed_standard_input_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir()
    with pytest.raises(ExplainedError, match="Is a directory"):
        read(str(path))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ExplainedError, match="standard input: it is closed"):
        read("-")


def test_recording_that_is_too_long_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_SAMPLES", 3)
    path.write_text("".join(f"{json_line(entry(second))}\n" for second in range(1, 11)))
    with pytest.raises(ExplainedError, match="the recording is too long") as refused:
        read(str(path))
    assert "--interval" in refused.value.remedy


# Playing


@pytest.mark.parametrize("speed", [1, 7, 3600])
def test_clock_runs_at_its_speed_and_stops_at_the_end(
    speed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [500.0]
    monkeypatch.setattr(replay, "now", lambda: moment[0])
    replay_clock = ReplayClock(RECORDING_START, RECORDING_START + 100 * speed, speed)
    moment[0] += 50
    assert replay_clock.read().now == RECORDING_START  # it stands still until it is started
    replay_clock.start()
    for passed in (0.0, 1.0, 40.5, 100.0, 4000.0):
        moment[0] = 550.0 + passed
        shown = min(passed, 100.0) * speed
        assert replay_clock.read() == Moment(
            RECORDING_START + shown, MIDNIGHT + timedelta(seconds=shown)
        )
        assert replay_clock.due_at(RECORDING_START + speed * passed) == pytest.approx(
            550.0 + passed
        )
    replay_clock.start()
    assert replay_clock.read().now == replay_clock.end
    assert replay_clock.redraw_interval == max(1 / speed, 1 / MAX_REDRAWS_PER_S)


def replay_of(*entries: Entry, speed: int = 3600) -> Replay:
    return Replay(recording_of(*entries), "-", speed)


def test_sources_report_all_samples_in_order_and_then_the_end() -> None:
    lines = [entry(second, second, tor) for second in range(1, 500) for tor in ("a", "b")]
    playback = replay_of(*lines)
    _, sources = playback.create_fleet()
    listeners = [EventRecorder() for _ in sources]
    for source, listener in zip(sources.values(), listeners, strict=True):
        source.start(listener)
    for listener in listeners:
        assert listener.wait_for(Ended).reason == "the recording ends here"
        assert [sample.read for sample in listener.samples] == list(range(1, 500))
        assert isinstance(listener.events[0], Connected)
        assert len(listener.events) == 501
    for source in sources.values():
        source.close()


def test_no_sample_is_reported_before_its_time() -> None:
    playback = replay_of(*(entry(second) for second in range(1, 400)))
    _, sources = playback.create_fleet()
    early: list[float] = []
    listener = EventRecorder()

    def tell(event: object) -> None:
        if isinstance(event, Sample) and event.ends_at > playback.clock.read().now:
            early.append(event.ends_at)
        listener(event)  # type: ignore[arg-type]

    (source,) = sources.values()
    source.start(tell)
    listener.wait_for(Ended)
    source.close()
    assert early == []


def test_closed_source_stops_at_once_and_leaves_no_thread() -> None:
    playback = replay_of(entry(1), entry(1e6), speed=1)
    _, sources = playback.create_fleet()
    (source,) = sources.values()
    source.close()  # before it is started
    (source,) = playback.create_fleet()[1].values()
    listener = EventRecorder()
    source.start(listener)
    source.retry_now()
    source.close()
    assert [thread.name for thread in threading.enumerate() if "replay" in thread.name] == []
    assert listener.samples == []


def test_skipped_lines_are_reported_at_the_start_and_the_end() -> None:
    found = recording_of(entry(1))
    found.add("\x1b[2J")
    playback = Replay(found, "recording", 1)
    fleet, _ = playback.create_fleet()
    problem = fleet.instances[0].problem
    words = "a line is skipped: line 2 (cut off, or neither JSON nor CSV)"
    assert problem == Problem(RECORDING_START, f"recording: {words}")
    playback.play_at_once(fleet)
    state = fleet.instances[0].state
    assert isinstance(state, Ended)
    assert state.reason == f"the recording ends here; {words}"


def test_recording_played_at_once_is_complete_at_its_end() -> None:
    lines = [entry(second, 100, tor) for second in range(1, 61) for tor in ("a", "b")]
    playback = replay_of(*lines)
    fleet, _ = playback.create_fleet()
    playback.play_at_once(fleet)
    assert playback.clock.read().now == RECORDING_START + 60
    assert fleet.sum is not None
    for instance, each in zip((*fleet.instances, fleet.sum), (100, 100, 200), strict=True):
        buckets = instance.history.window(RECORDING_START + 60, 60).buckets
        assert buckets.read.tolist() == [each] * 60
        assert isinstance(instance.state, Ended)


# Live and replayed frames


@pytest.fixture
def worlds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], World]]:
    """Create worlds, each with a time of its own."""
    made: list[World] = []
    with Wakeup() as wakeup:

        def make() -> World:
            world = World(FakeTerminal(), wakeup)
            world.terminal.window = Size(100, 30)
            made.append(world)
            for module in (loop, clock, replay):
                monkeypatch.setattr(module, "now", world.now)
            monkeypatch.setattr(wakeup_module, "select", world)
            monkeypatch.setattr(time, "time", lambda: NOON + world.time - START)
            return world

        yield make
    os.close(wakeup._channel.writer)
    for world in made:
        world.terminal.close()


CADENCE = 1.002

KEYS = {4.4: " ", 5.3: "+", 6.6: " ", 12.3: "-", 14.5: "left", 16.2: "l", 18.7: "m", 21.1: "u"}
"What is pressed when: pause, zoom, go on, zoom out, scroll, and how it looks."


TimedEvent = tuple[float, int, Connected | Sample]


def timed_events(names: Sequence[str]) -> list[TimedEvent]:
    """Return the time, the tor's number and the event: drift, a late sample, and a silence."""
    found: list[TimedEvent] = []
    for number, name in enumerate(names):
        began = ended = START if not number else START + 5 * CADENCE
        found.append((began, number, Connected(began, name)))
        for second in range(1, 40):
            if 20 <= second < 26 or (number and second < 6):
                continue
            when = START + second * CADENCE + number * 0.3
            seconds = when - ended if second != 26 else 1.0
            ended = when
            sample = Sample(when, 1000 * second**2, 77_000 * (number + 1), seconds)
            found.append((when, number, sample))
    return sorted(found, key=lambda timed_event: timed_event[0])


def pictures(world: World) -> list[str]:
    """Return all frames that were drawn, with their colours."""
    return [repr(frame) for frame in world.terminal.frames]


def replayed(world: World, found: Recording, speed: int = 1) -> World:
    """Return a world in which each event of a recording is reported at its time."""
    playback = Replay(found, "-", speed)
    fleet, _ = playback.create_fleet()
    world.watch(*fleet.instances, fleet=fleet)
    world.clock = playback.clock
    playback.clock.start()
    for instance, (name, track) in zip(fleet.instances, found.tracks.items(), strict=True):
        for when, _, event in replay._events(name, track):
            world.at(playback.clock.due_at(when) - START, partial(world.report, event, instance))
        end = playback.clock.due_at(found.end) - START
        world.at(end + 0.01, partial(world.report, Ended("the recording ends here"), instance))
    return world


@pytest.mark.parametrize("tors", [1, 2])
def test_replay_draws_the_same_frames_as_live(worlds: Callable[[], World], tors: int) -> None:
    names = ["exit", "guard"][:tors]
    live_events = timed_events(names)
    last = live_events[-1][0] - START
    view = View(subject=ALL_TORS) if tors > 1 else View()

    live = worlds()
    live.watch(*(Instance(name, "a recording") for name in names))
    live.view = view
    found, intervals = Recording(), Intervals(START)

    def tell(number: int, event: Connected | Sample) -> None:
        instance = live.fleet.instances[number]
        live.report(event, instance)
        if isinstance(event, Sample):
            shown = clock.SystemClock().read().wall_time(event.ends_at)
            for each in intervals.add(instance, instance.location, event, shown):
                found.add(json_line(each))

    for when, number, event in live_events:
        live.at(when - START, partial(tell, number, event))
    for when, key in KEYS.items():
        live.press(when, key)
    live.run(last + 0.001)
    assert found.skipped_message == ""
    assert len(live.terminal.frames) > 40

    replay_world = replayed(worlds(), found)
    replay_world.view = view
    for when, key in KEYS.items():
        replay_world.press(when, key)
    replay_world.run(last + 1.5)

    before, after = pictures(live), pictures(replay_world)
    for number, (shown, shown_again) in enumerate(zip(before, after, strict=False)):
        assert shown == shown_again, f"picture {number}"
    assert len(before) <= len(after)
    assert "the recording ends here" in replay_world.text()
    assert any(f"for {int(LATE_AFTER_S) + 1} s" in picture for picture in before), (
        "the silence was shown"
    )


def test_fast_replay_limits_redraws_and_ends_with_the_same_frame(
    worlds: Callable[[], World],
) -> None:
    lines = [entry(second, 1000 * second) for second in range(1, 601)]
    found = recording_of(*lines)
    world = replayed(worlds(), found, 60)
    world.run(10.5)
    # Not once for each of the 60 samples per second.
    assert 80 <= len(world.drawn) <= 10 * MAX_REDRAWS_PER_S * 1.3
    playback = Replay(found, "-", 60)
    fleet, _ = playback.create_fleet()
    playback.play_at_once(fleet)
    at_once = worlds()
    at_once.watch(*fleet.instances, fleet=fleet)
    at_once.clock = playback.clock
    at_once.run(0.1)
    assert at_once.text() == world.text()
