"""What the screen says of the keys. Owns the key line and the help page.

Both are made from the table that keys are looked up in, so that they cannot lie. Must not know
what a key does.
"""

from functools import lru_cache
from itertools import groupby, zip_longest

from bwgraph.screen.frame import Line, Size, Span, Style
from bwgraph.screen.keymap import BINDINGS, Binding

GAP_CELLS = 3
"Cells between two hints, or two columns of help."


@lru_cache(maxsize=2)
def key_line(columns: int) -> Line:
    """The keys for a line at the bottom, as many as fit whole."""
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
    """All the keys, in as many columns as it takes."""
    entries = [(" ".join(binding.keys[0] for binding in group), told) for told, group in _grouped()]
    keys = max(len(names) for names, _ in entries)
    words = max(len(told) for _, told in entries)
    title: Line = (Span("bwgraph", Style.BOLD), Span("  keys; ? or esc to go back"))
    rows = max(size.rows - 2, 1)
    each = keys + 2 + words + GAP_CELLS
    abreast = max(1, min(-(-len(entries) // rows), (size.columns + GAP_CELLS) // each))
    rows = -(-len(entries) // abreast)
    lines: list[Line] = [title, ()] if size.rows > 2 else [title]
    for row in zip_longest(*(entries[i * rows : (i + 1) * rows] for i in range(abreast))):
        line: list[Span] = []
        for entry in row:
            if entry is not None:
                names, told = entry
                line += [
                    Span(f"{names:<{keys}}", Style.BOLD),
                    Span(f"  {told:<{words + GAP_CELLS}}"),
                ]
        lines.append(tuple(line))
    if len(lines) > size.rows > 1:
        lines[size.rows - 1] = (Span("there is more in a larger window", Style.DIM),)
    return lines


def _grouped() -> list[tuple[str, list[Binding]]]:
    return [(told, list(group)) for told, group in groupby(BINDINGS, lambda b: b.help)]
