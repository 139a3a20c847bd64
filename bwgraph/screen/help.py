"""The texts about the keys. Owns the key line and the help page.

Both are generated from ``keymap.BINDINGS``. Must not know what a key does.
"""

from functools import lru_cache
from itertools import groupby, zip_longest

from bwgraph.screen.frame import Line, Size, Span, Style
from bwgraph.screen.keymap import BINDINGS

GAP_CELLS = 3
"Cells between two hints, or between two columns of the help page."


@lru_cache(maxsize=2)
def key_line(columns: int) -> Line:
    """Return the bottom line with as many whole hints as fit."""
    spans: list[Span] = []
    for binding in BINDINGS:
        if not binding.hint:
            continue
        gap = " " * GAP_CELLS if spans else ""
        columns -= len(gap + binding.hint)
        if columns < 0:
            break
        keys, _, word = binding.hint.partition(" ")
        spans += [Span(gap + keys, Style.BOLD), Span(f" {word}", Style.DIM)]
    return tuple(spans)


def help_page(size: Size) -> list[Line]:
    """Return the page that lists all keys, in as many columns as it needs."""
    entries = _entries()
    key_cells = max(len(keys) for keys, _ in entries)
    text_cells = max(len(text) for _, text in entries)
    title: Line = (Span("bwgraph", Style.BOLD), Span("  keys; ? or esc to go back"))
    rows = max(size.rows - 2, 1)
    column_cells = key_cells + 2 + text_cells + GAP_CELLS
    columns = max(1, min(-(-len(entries) // rows), (size.columns + GAP_CELLS) // column_cells))
    rows = -(-len(entries) // columns)
    lines: list[Line] = [title, ()] if size.rows > 2 else [title]
    for row in zip_longest(*(entries[i * rows : (i + 1) * rows] for i in range(columns))):
        line: list[Span] = []
        for entry in row:
            if entry is not None:
                keys, text = entry
                line += [
                    Span(f"{keys:<{key_cells}}", Style.BOLD),
                    Span(f"  {text:<{text_cells + GAP_CELLS}}"),
                ]
        lines.append(tuple(line))
    if len(lines) > size.rows > 1:
        lines[size.rows - 1] = (Span("there is more in a larger window", Style.DIM),)
    return lines


def _entries() -> list[tuple[str, str]]:
    """Return the keys and the text of each entry. Adjacent bindings with the same text are one."""
    return [
        (" ".join(binding.keys[0] for binding in bindings), text)
        for text, bindings in groupby(BINDINGS, lambda binding: binding.help)
    ]
