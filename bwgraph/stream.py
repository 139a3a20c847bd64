"""Samples as lines of text, without a screen: from the same sources, for other programs to read.

Owns the format of ``--json``: one object a line, one line a sample, each as tor reported it. Must
not know where the samples come from.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from bwgraph.fleet import Fleet
from bwgraph.inbox import Inbox
from bwgraph.instance import Instance
from bwgraph.sample import Sample
from bwgraph.source import Event, Lost, Refusal, Refused, Source, Trouble


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


def run(
    sources: Mapping[Instance, Source],
    fleet: Fleet,
    output: TextIO,
    remark: Callable[[str], object],
) -> Refusal | None:
    """Write samples until the reader goes away (OSError), or there is nothing to wait for.

    What is no sample is told to ``remark``. A reader that stalls for an hour misses samples after
    that, and is told so.
    """
    told = 0
    with Inbox(sources, fleet) as inbox:
        while True:
            news = inbox.next()
            if news is None or news.instance not in fleet.instances:
                continue
            if news.missed > told:
                remark(f"{news.missed - told} samples were missed: nobody read fast enough")
                told = news.missed
            if isinstance(news.event, Sample):
                print(line(news.event, news.where, news.clock), file=output, flush=True)
            elif isinstance(news.event, Refused) and fleet.refusal is not None:
                return fleet.refusal
            elif words := _remark(news.event):
                remark(f"{news.instance.title}: {words}" if len(sources) > 1 else words)


def _remark(event: Event) -> str:
    """What to say of what is no sample; empty if nothing."""
    match event:
        case Lost(why=why):
            return f"no tor: {why}; trying again"
        case Trouble(what=what):
            return what
    return ""
