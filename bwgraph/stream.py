"""Samples as lines of text, without a screen: from the same sources, for other programs to read.

Owns the format of ``--json``: one object a line, one line a sample, each as tor reported it. Must
not know where the samples come from.
"""

import json
import queue
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from bwgraph.sample import Sample
from bwgraph.source import Connected, Event, Lost, Refused, Source, Trouble

BACKLOG = 4096
"Samples kept for a reader that does not read: over an hour of them."


def line(sample: Sample, instance: str, clock: datetime) -> str:
    """One sample as JSON: ``seconds`` long, and ending at ``time``.

    >>> line(Sample(9.0, 7, 3, 1.0022), "127.0.0.1:9051", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    ... # doctest: +NORMALIZE_WHITESPACE
    '{"time": "2026-01-02T03:04:05.000Z", "instance": "127.0.0.1:9051", "read": 7, "written": 3,
    "seconds": 1.0022}'
    """
    time = clock.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "time": time,
            "instance": instance,
            "read": sample.read,
            "written": sample.written,
            "seconds": round(sample.seconds, 6),
        }
    )


def run(source: Source, output: TextIO, remark: Callable[[str], object]) -> Refused | None:
    """Write samples until the reader goes away (OSError), or the source has to give up.

    What is no sample is told to ``remark``. A reader that stalls for an hour misses samples after
    that, and is told so.
    """
    events: queue.SimpleQueue[tuple[Event, datetime, int]] = queue.SimpleQueue()
    missed = told = 0

    def tell(event: Event) -> None:
        nonlocal missed
        if isinstance(event, Sample) and events.qsize() >= BACKLOG:
            missed += 1
        else:
            events.put((event, datetime.now(UTC), missed))

    source.start(tell)
    where = ""
    try:
        while True:
            event, clock, missed_by_then = events.get()
            if missed_by_then > told:
                remark(f"{missed_by_then - told} samples were missed: nobody read fast enough")
                told = missed_by_then
            match event:
                case Sample():
                    print(line(event, where, clock), file=output, flush=True)
                case Connected():
                    where = event.where
                case Lost():
                    remark(f"no tor: {event.why}; trying again")
                case Trouble():
                    remark(event.what)
                case Refused():
                    return event
    finally:
        source.close()
