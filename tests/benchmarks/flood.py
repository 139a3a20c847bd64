"""A control port that sends a hundred thousand events a second, and what becomes of bwgraph.

    python tests/benchmarks/flood.py [SECONDS] [KIND] [RATE]

KIND is what comes besides as many events as there are: one of the table below. Prints memory, and
how long a key takes to be answered, every few seconds; in the end what was sent beside the total
on the screen, what trouble was told, and how long it took to leave. Linux only.
"""

import re
import sys
import threading
import time
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fake_tor import FakeTor, Manners
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
EVERY = 5.0
"Seconds between two looks at it."


class Flood:
    """Sends at a rate, or as fast as it is taken, for so long."""

    def __init__(self, server: FakeTor, unit: bytes, rate: int) -> None:
        self.sent = 0
        self._server, self._unit, self._rate = server, unit, rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        most = max(1, 200_000 // len(self._unit))
        begin = time.monotonic()
        while not self._over.wait(0.001):
            due = int((time.monotonic() - begin) * self._rate) - self.sent
            count = min(due, most)
            if count > 0:
                self._server.send(self._unit * count)
                self.sent += count


def memory(pid: int) -> float:
    """Megabytes that are resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def answered(program: Program) -> float:
    """Seconds until a key is answered on the screen."""
    begin = time.monotonic()
    program.send("?")
    program.wait_for("this help")
    took = time.monotonic() - begin
    program.send("?")
    program.wait_gone("this help")
    return took


def told(program: Program) -> str:
    """The totals on the screen, without what changes with the time."""
    lines = (line for line in program.display() if "since tor started" in line)
    return " ".join(re.findall(r"[▼▲] [^,▲]*", next(lines, "")))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    kind = sys.argv[2] if len(sys.argv) > 2 else "plain"
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    manners = Manners(spike=(0, 0), info={"traffic/read": b"0", "traffic/written": b"0"})
    with FakeTor(manners) as server, Program("--port", f"{server.endpoint}") as program:
        program.wait_for("tor 0.4.9.11")
        end = time.monotonic() + seconds
        with Flood(server, KINDS[kind] + EVENT, rate) as flood:
            while time.monotonic() < end:
                program.watch(min(EVERY, end - time.monotonic()))
                megabytes, took = memory(program.pid), answered(program)
                print(
                    f"{flood.sent:10} sent  {megabytes:6.1f} MB  a key took {took:.3f} s",
                    flush=True,
                )
        total, before = told(program), ""
        while total != before:  # what is still on the way is read
            server.send(b"650 BW 0 0\r\n")
            program.watch(3.0)
            total, before = told(program), total
        print(f"sent {units.format_size(flood.sent * 1000)}; on the screen: {total}")
        program.send("q")
        begin = time.monotonic()
        code = program.wait_exit()
        print(f"left with {code} after {time.monotonic() - begin:.3f} s")
        print(program.after_graph()[:400])


if __name__ == "__main__":
    main()
