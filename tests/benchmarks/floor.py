"""The least program that draws two full graphs of a tor with Python's curses.

    python tests/benchmarks/floor.py PORT

It has a raw socket and one loop, and no times, scale, totals, reconnection, gaps, keys or checks of
tor's output. bwgraph's measurements are compared with those of this floor.
"""

import curses
import select
import socket
import sys
from collections import deque

EIGHTHS = " ▁▂▃▄▅▆▇█"


def cached_events(control: socket.socket) -> list[tuple[int, int]]:
    """Return the events in tor's cache, so that the graph is full at once."""
    control.sendall(b'AUTHENTICATE ""\r\nGETINFO bw-event-cache\r\n')
    reply = b""
    while not reply.endswith(b"250 OK\r\n") or b"cache" not in reply:
        reply += control.recv(65536)
    pairs = reply.split(b"cache=")[1].split(b"\r\n")[0].split()
    return [(int(read), int(written)) for read, written in (pair.split(b",") for pair in pairs)]


def main(window: curses.window) -> None:
    """Draw until the process is killed."""
    control = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    curses.use_default_colors()
    curses.init_pair(1, curses.COLOR_GREEN, -1)
    curses.init_pair(2, curses.COLOR_BLUE, -1)
    ring = deque(cached_events(control), maxlen=1024)
    control.sendall(b"SETEVENTS BW\r\n")
    unread = b""
    while True:
        draw(window, ring)
        select.select([control], [], [])
        *lines, unread = (unread + control.recv(65536)).split(b"\n")
        for line in lines:
            if line.startswith(b"650 BW"):
                _, _, read, written = line.split()
                ring.append((int(read), int(written)))


def draw(window: curses.window, ring: deque[tuple[int, int]]) -> None:
    rows, columns = window.getmaxyx()
    shown = list(ring)[-(columns - 1) :]
    height = (rows - 4) // 2
    for direction in (0, 1):
        color = curses.color_pair(1 + direction)
        top = max(pair[direction] for pair in shown) or 1
        levels = [pair[direction] * height * 8 // top for pair in shown]
        y = direction * (height + 2)
        window.addstr(y, 0, f"{shown[-1][direction]:>12} B/s   top {top:>12}", color)
        for row in range(height):
            base = (height - 1 - row) * 8
            glyphs = "".join(EIGHTHS[max(0, min(8, level - base))] for level in levels)
            window.addstr(y + 1 + row, columns - 1 - len(shown), glyphs, color)
    window.refresh()


if __name__ == "__main__":
    curses.wrapper(main)
