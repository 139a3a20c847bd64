"""Flood bwgraph with a hundred thousand events a second.

    python tests/benchmarks/flood.py [SECONDS] [KIND] [RATE]

KIND is what is sent before each event: one of the table below. Prints every few seconds the memory
and the time until a key has its effect; at the end the bytes sent and the total on the screen, the
problems reported, and the time until the program ended. Linux only.
"""

import re
import sys
import threading
import time
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fake_tor import FakeTor, TorBehavior
from pty_driver import Program

from bwgraph.screen import units

KINDS = {
    "plain": b"",
    "malformed": b"650 BW 5 x\r\n",
    "others": b"650 STREAM_BW 1 2 3\r\n",
    "strays": b"250 OK\r\n",
    "garbage": b"\xff\xfe\r\n",
    "long": b"650 BW x %s\r\n" % (b"x" * 100_000),
}
EVENT = b"650 BW 1000 10\r\n"
LINE_INTERVAL_S = 5.0
"The time between two lines of output."


class Flood:
    """A thread that sends events at a rate, or as fast as the program reads them."""

    def __init__(self, server: FakeTor, unit: bytes, rate: int) -> None:
        self.sent = 0
        self._server, self._unit, self._rate = server, unit, rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        max_count = max(1, 200_000 // len(self._unit))
        begin = time.monotonic()
        while not self._ended.wait(0.001):
            due = int((time.monotonic() - begin) * self._rate) - self.sent
            count = min(due, max_count)
            if count > 0:
                self._server.send(self._unit * count)
                self.sent += count


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) / 1024 if match else 0.0


def key_latency(program: Program) -> float:
    """Return the seconds until a key has its effect on the screen."""
    begin = time.monotonic()
    program.send("?")
    program.wait_for("this help")
    latency = time.monotonic() - begin
    program.send("?")
    program.wait_gone("this help")
    return latency


def total_text(program: Program) -> str:
    """Return the totals on the screen, without the average, which changes with time."""
    lines = (line for line in program.display() if "since tor started" in line)
    return " ".join(re.findall(r"[▼▲] [^,▲]*", next(lines, "")))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    kind = sys.argv[2] if len(sys.argv) > 2 else "plain"
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    manners = TorBehavior(spike=(0, 0), info={"traffic/read": b"0", "traffic/written": b"0"})
    with FakeTor(manners) as server, Program("--port", f"{server.endpoint}") as program:
        program.wait_for("tor 0.4.9.11")
        end = time.monotonic() + seconds
        with Flood(server, KINDS[kind] + EVENT, rate) as flood:
            while time.monotonic() < end:
                program.watch(min(LINE_INTERVAL_S, end - time.monotonic()))
                megabytes, latency = resident_mb(program.pid), key_latency(program)
                print(
                    f"{flood.sent:10} sent  {megabytes:6.1f} MB  a key took {latency:.3f} s",
                    flush=True,
                )
        total, before = total_text(program), ""
        while total != before:  # until all sent events are counted
            server.send(b"650 BW 0 0\r\n")
            program.watch(3.0)
            total, before = total_text(program), total
        print(f"sent {units.format_size(flood.sent * 1000)}; on the screen: {total}")
        program.send("q")
        begin = time.monotonic()
        code = program.wait_exit()
        print(f"exit code {code} after {time.monotonic() - begin:.3f} s")
        print(program.after_graph()[:400])


if __name__ == "__main__":
    main()
