"""Simulate tors for the benchmarks.

    python tests/benchmarks/feed.py COUNT

Prints the control ports on one line, and serves until standard input ends. It runs in a process of
its own, so that its CPU time is not counted for the measured programs. The traffic is bursty and
the same in each run. Each tor has an event cache of five minutes, so that a graph is full at once.
"""

import asyncio
import math
import random
import sys
from collections import deque

EVENT_INTERVAL_S = 1.0022
"The mean time between two events of a real tor."

Pair = tuple[int, int]
"Bytes read and written."


class Tor:
    """The traffic and the replies of one tor."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.clients: set[asyncio.StreamWriter] = set()
        self._random = random.Random(number)
        self._seconds = 0
        self._burst = 0
        self.cache = deque([self.second() for _ in range(300)], maxlen=300)

    def second(self) -> Pair:
        """Return the traffic of the next second: waves, bursts, and sometimes nothing."""
        self._seconds += 1
        if self._random.random() < 0.05:
            self._burst = self._random.randrange(3, 12)
        self._burst = max(self._burst - 1, 0)
        level = 1.1 + math.sin(self._seconds / 9 + self.number) + 3 * bool(self._burst)
        if self._seconds % 90 > 84:
            level = 0.0
        read = int(2_000_000 * level * self._random.uniform(0.7, 1.0))
        return read, int(read * self._random.uniform(0.3, 1.0))

    async def send_events(self) -> None:
        """Send an event every second, with a random offset for each tor."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._random.random()
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += EVENT_INTERVAL_S
            pair = self.second()
            self.cache.append(pair)
            for client in self.clients:
                client.write(b"650 BW %d %d\r\n" % pair)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it closes the connection."""
        try:
            while line := await reader.readline():
                writer.write(self.answer(line.decode("latin-1").strip()))
                if line.startswith(b"SETEVENTS") and b"BW" in line:
                    self.clients.add(writer)
        except ConnectionError:
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    def answer(self, line: str) -> bytes:
        command, _, rest = line.partition(" ")
        match command.upper():
            case "PROTOCOLINFO":
                return (
                    b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.8.10"\r\n'
                    b"250 OK\r\n"
                )
            case "GETCONF":
                values = {"nickname": f"=tor{self.number}"}
                *lines, last = (key + values.get(key.lower(), "") for key in rest.split())
                return "".join([*(f"250-{line}\r\n" for line in lines), f"250 {last}\r\n"]).encode()
            case "GETINFO":
                return self.info(rest.split())
        return b"250 OK\r\n"

    def info(self, keys: list[str]) -> bytes:
        values = {
            "version": "0.4.8.10",
            "traffic/read": str(1 << 40),
            "traffic/written": str(1 << 39),
            "uptime": "86400",
            "process/pid": str(10_000 + self.number),
            "accounting/enabled": "0",
            "bw-event-cache": " ".join(f"{read},{written}" for read, written in self.cache),
        }
        if any(key not in values for key in keys):
            return b"552 Unrecognized key\r\n"
        return "".join(f"250-{key}={values[key]}\r\n" for key in keys).encode() + b"250 OK\r\n"


async def main(count: int) -> None:
    """Serve ``count`` tors until standard input ends."""
    tors = [Tor(number) for number in range(count)]
    servers = [await asyncio.start_server(tor.serve, "127.0.0.1", 0) for tor in tors]
    senders = [asyncio.create_task(tor.send_events()) for tor in tors]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for sender in senders:
        sender.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
