"""Tor's counters and its event cache, compared with those of a simulated tor."""

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Connected, CounterBase, Sample, Wrapped
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.tor.counters import (
    CACHE_ENTRIES,
    EVENT_INTERVAL_S,
    EVENT_WRAP_BYTES,
    SPIKE_FACTOR,
    SPIKE_FLOOR_BYTES,
    CounterCheck,
    recent_samples,
)
from bwgraph.tor.description import parse_number


def sample(read: int, written: int = 0, when: float = 1.0, seconds: float = 1.0) -> Sample:
    return Sample(when, read, written, seconds)


def compared(check: CounterCheck, read: int, written: int = 0) -> CounterBase | Wrapped | None:
    """Compare, without any sample during the request."""
    return check.compare(check.sample_bytes, str(read), str(written))


# Counters


def test_counter_base_is_what_no_sample_contains() -> None:
    check = CounterCheck()
    assert compared(check, 500, 50) == CounterBase(500, 50)
    check.add(sample(7, 3))
    assert compared(check, 507, 53) == CounterBase(500, 50)


def test_sample_during_a_request_is_not_counted_twice() -> None:
    check = CounterCheck()
    seen = check.sample_bytes
    check.add(sample(7, 3))
    assert check.compare(seen, "507", "53") == CounterBase(507, 53)
    assert compared(check, 507, 53) == CounterBase(500, 50)


def test_counter_base_is_never_negative() -> None:
    check = CounterCheck()
    check.add(sample(100, 100))
    assert compared(check, 5, 200) == CounterBase(0, 100)


@pytest.mark.parametrize("wraps", [1, 2, 7])
def test_wrapped_bytes_are_added_once_to_the_longest_sample(
    wraps: int,
) -> None:
    check = CounterCheck()
    check.add(sample(1, when=1.0, seconds=60.0))
    compared(check, 1)
    for when, seconds in ((2.0, 1.0), (22.0, 20.0), (23.0, 1.0)):
        check.add(sample(10, when=when, seconds=seconds))
    missing = wraps * EVENT_WRAP_BYTES
    assert compared(check, 31 + missing) == Wrapped(Sample(22.0, missing, 0, 20.0))
    assert compared(check, 31 + missing) == CounterBase(0, 0)


def test_read_and_written_wrap_independently() -> None:
    check = CounterCheck()
    compared(check, 0)
    check.add(sample(1, 2, when=5.0, seconds=3.0))
    assert compared(check, 1 + EVENT_WRAP_BYTES, 2 + 2 * EVENT_WRAP_BYTES) == Wrapped(
        Sample(5.0, EVENT_WRAP_BYTES, 2 * EVENT_WRAP_BYTES, 3.0)
    )


def test_nothing_has_wrapped_without_a_sample() -> None:
    check = CounterCheck()
    compared(check, 10)
    assert compared(check, 10 + EVENT_WRAP_BYTES) == CounterBase(10 + EVENT_WRAP_BYTES, 0)
    check.add(sample(0))
    assert compared(check, 10 + EVENT_WRAP_BYTES) == Wrapped(sample(EVENT_WRAP_BYTES)), (
        "the sample arrived later"
    )


@pytest.mark.parametrize(
    "answer",
    ["", "-1", "1.0", "0x1", "1e5", "²", "٣", " 1", "1\r", "\x1b[2J", "9" * 30, "9" * 5000],
)
def test_invalid_numbers_are_ignored(answer: str) -> None:
    assert parse_number(answer) is None
    check = CounterCheck()
    assert check.compare(check.sample_bytes, answer, "5") is None
    assert check.compare(check.sample_bytes, "5", answer) is None
    assert compared(check, 5, 5) == CounterBase(5, 5)


@dataclass
class SimulatedTor:
    """Counts what it moves, and sends it in events of 32 bits."""

    moved: list[int]
    reported: list[int] = field(default_factory=lambda: [0, 0])
    clock: float = 0.0

    def move(self, read: int, written: int) -> None:
        self.moved[0] += read
        self.moved[1] += written

    def event(self, seconds: float) -> Sample:
        """Return an event with the bytes since the previous one."""
        self.clock += seconds
        read, written = (
            moved - reported for moved, reported in zip(self.moved, self.reported, strict=True)
        )
        self.reported = list(self.moved)
        return Sample(self.clock, read % EVENT_WRAP_BYTES, written % EVENT_WRAP_BYTES, seconds)


PARTIAL = st.integers(0, 1 << 30)
"Bytes between an event and a comparison: far less than 2 GiB."

BYTES = st.integers(0, 1 << 30) | st.integers(0, 9 * EVENT_WRAP_BYTES)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), BYTES, BYTES, st.floats(0.5, 100.0)),
        st.tuples(st.just("ask"), PARTIAL, PARTIAL, st.none()),
    ),
    max_size=40,
)


@PROPERTY
@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50), STEPS)
@example(0, 0, [("event", EVENT_WRAP_BYTES, 0, 1.0), ("event", 0, EVENT_WRAP_BYTES, 2.0)])
@example(
    0,
    0,
    [("ask", 1 << 30, 0, None), ("event", 3 * EVENT_WRAP_BYTES - 1, EVENT_WRAP_BYTES - 1, 1.0)],
)
def test_every_byte_is_counted_once_whatever_wraps(
    read: int, written: int, steps: list[tuple[str, int, int, float | None]]
) -> None:
    tor, check = SimulatedTor([read, written]), CounterCheck()
    first = compared(check, *tor.moved)
    assert first == CounterBase(read, written)
    tor.reported = list(tor.moved)
    answers: list[CounterBase | Wrapped | None] = [first]
    samples: list[Sample] = []
    for kind, down, up, seconds in (*steps, ("event", 0, 0, 1.0)):
        if kind == "event" and seconds is not None:
            tor.move(down, up)
            samples.append(tor.event(seconds))
            check.add(samples[-1])
        else:  # between two events: the next one contains these bytes
            pending = [
                moved - reported for moved, reported in zip(tor.moved, tor.reported, strict=True)
            ]
            tor.move(max(down - pending[0], 0), max(up - pending[1], 0))
            answers.append(compared(check, *tor.moved))
    answers += [compared(check, *tor.moved) for _ in range(2)]
    assert isinstance(answers[-1], CounterBase), "nothing is missing at the end"
    wrapped = [answer.missing_bytes for answer in answers if isinstance(answer, Wrapped)]
    bases = [answer for answer in answers if isinstance(answer, CounterBase)]
    for missing in wrapped:
        assert missing.read % EVENT_WRAP_BYTES == missing.written % EVENT_WRAP_BYTES == 0
        assert (missing.ends_at, missing.seconds) in {(one.ends_at, one.seconds) for one in samples}
    everything = samples + wrapped
    before = min(answer.read for answer in bases), min(answer.written for answer in bases)
    assert before == (read, written)
    assert before[0] + sum(one.read for one in everything) == tor.moved[0]
    assert before[1] + sum(one.written for one in everything) == tor.moved[1]


# Event cache


def cache(*entries: int) -> str:
    return " ".join(f"{read},{read // 2}" for read in entries)


def recent_reads(*entries: int) -> list[int]:
    return [one.read for one in recent_samples(cache(*entries), 1000.0)]


def test_cache_entries_are_one_interval_apart() -> None:
    samples = recent_samples("1,10 2,20 3,30 4,40", 1000.0)
    assert [(one.read, one.written) for one in samples] == [(2, 20), (3, 30), (4, 40)]
    assert [one.ends_at for one in samples] == [
        1000.0 - 2 * EVENT_INTERVAL_S,
        1000.0 - EVENT_INTERVAL_S,
        1000.0,
    ]
    assert {one.seconds for one in samples} == {EVENT_INTERVAL_S}


def test_oldest_entry_is_dropped_unless_the_cache_is_full() -> None:
    # It is the first event of a subscription, which contains the bytes of more than a second.
    assert recent_reads(*range(CACHE_ENTRIES - 1)) == list(range(1, CACHE_ENTRIES - 1))
    assert recent_reads(*range(CACHE_ENTRIES)) == list(range(CACHE_ENTRIES))


@pytest.mark.parametrize("text", ["", " ", "5,6", "nonsense", "1 2 3", "\x1b[2J,\x1b[2J", ",,,"])
def test_cache_without_entries_has_no_samples(text: str) -> None:
    assert recent_samples(text, 1000.0) == ()


def test_spike_and_older_entries_are_left_out() -> None:
    quiet = [100, 200, 100]
    assert recent_reads(1, *quiet, 50 * SPIKE_FLOOR_BYTES, *quiet) == quiet
    assert recent_reads(1, *quiet, 50 * SPIKE_FLOOR_BYTES) == []


def test_spike_of_written_bytes_is_a_spike() -> None:
    assert [
        one.read for one in recent_samples(f"1,1 2,2 3,{50 * SPIKE_FLOOR_BYTES} 4,4", 1000.0)
    ] == [4]


def test_busy_tor_has_no_spikes() -> None:
    busy = [3_000_000 + 10_000 * (n % 7) for n in range(CACHE_ENTRIES)]
    assert recent_reads(*busy) == busy
    busy[100] = 2 * SPIKE_FACTOR * busy[0]
    assert recent_reads(*busy) == busy[101:]


def test_few_bytes_are_not_a_spike() -> None:
    entries = [0] * 50 + [SPIKE_FACTOR * SPIKE_FLOOR_BYTES] + [0] * 3
    assert recent_reads(*entries) == entries[1:]


def test_invalid_entries_are_skipped() -> None:
    text = f"1,1 x,y 5 2,2 -3,3 {'9' * 30},1 3,3"
    assert [one.read for one in recent_samples(text, 1000.0)] == [2, 3]


ENTRIES = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 20))
    | st.tuples(st.integers(0, EVENT_WRAP_BYTES - 1), st.integers(0, EVENT_WRAP_BYTES - 1)),
    max_size=CACHE_ENTRIES,
)


@PROPERTY
@given(ENTRIES, st.floats(1000.0, 1e9))
def test_samples_are_the_newest_entries_in_order(
    entries: list[tuple[int, int]], last: float
) -> None:
    samples = recent_samples(" ".join(f"{read},{written}" for read, written in entries), last)
    taken = [(one.read, one.written) for one in samples]
    valid = entries if len(entries) == CACHE_ENTRIES else entries[1:]
    assert taken == valid[len(valid) - len(taken) :]
    assert len({one.ends_at for one in samples}) == len(samples)
    assert [one.ends_at for one in samples] == sorted(one.ends_at for one in samples)
    assert not samples or samples[-1].ends_at == last
    largest = sorted(map(max, valid))
    usual = largest[len(largest) * 9 // 10] if len(largest) > 9 else 0
    assert all(max(one) <= SPIKE_FACTOR * max(usual, SPIKE_FLOOR_BYTES) for one in taken)
    if len(taken) < len(valid):  # the entry before is a spike
        assert max(valid[len(valid) - len(taken) - 1]) > SPIKE_FACTOR * max(
            usual, SPIKE_FLOOR_BYTES
        )


@PROPERTY
@given(st.text(alphabet="0123456789, x-\x1b\n²", max_size=200))
def test_any_text_is_a_valid_cache(text: str) -> None:
    history = History()
    for one in recent_samples(text, 1000.0):
        assert one.read >= 0
        assert one.written >= 0
        history.push(one)


# Numbers of twenty digits are parsed, but do not fit into a bucket.


def test_cache_of_huge_numbers_is_harmless() -> None:
    Instance("tor").handle(
        Connected(1000.0, "x", recent=recent_samples(cache(*[10**19] * 20), 1000.0))
    )


def test_huge_counter_is_harmless() -> None:
    instance, check = Instance("tor"), CounterCheck()
    instance.handle(Connected(1.0, "x", counters=CounterBase(0, 0)))
    compared(check, 0)
    check.add(sample(1))
    instance.handle(sample(1))
    answer = compared(check, 10**19 * 9)
    if answer is not None:
        instance.handle(answer)
