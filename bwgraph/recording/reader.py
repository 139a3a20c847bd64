"""Conversion of lines to samples, by tor, and a message about the lines that were skipped.

Owns the limits of a recording. Samples end at the times of the recording, in seconds since 1970.
Must not know where lines come from, nor when samples are shown.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from bwgraph.model.binning import LATE_SPAN_S, spread
from bwgraph.model.events import Sample
from bwgraph.recording.format import FormatError, parse_line

MAX_SAMPLES = 10_000_000
"Samples of one recording: the seconds of one tor in 16 weeks, which take 320 MB."

MAX_TORS = 64
"Tors of one recording; lines of further tors are skipped."

MAX_OVERLAP_S = 0.5
"Seconds by which a line may begin before the previous one ends, since clocks are adjusted."

MAX_NAMED_LINES = 3
"Skipped lines whose number and reason are shown; the others are counted."


class TooLongError(ValueError):
    """A recording with more samples than fit in memory."""


@dataclass(slots=True)
class Track:
    """The samples of one tor, oldest first, as one array per field."""

    ends_at: "array[float]" = field(default_factory=lambda: array("d"))
    read: "array[int]" = field(default_factory=lambda: array("q"))
    written: "array[int]" = field(default_factory=lambda: array("q"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def begin(self) -> float:
        """The start of the first sample."""
        return self.ends_at[0] - self.seconds[0]

    @property
    def end(self) -> float:
        """The end of the last sample."""
        return self.ends_at[-1]

    def samples(self) -> Iterator[Sample]:
        """Yield the samples as a source would report them.

        Single late samples are yielded unchanged, as a tor's are. If most samples are longer than a
        second, the recording was made with an interval: each is then shared among its seconds.
        """
        late = sum(1 for seconds in self.seconds if seconds >= LATE_SPAN_S)
        is_coarse = 2 * late > len(self.seconds)
        for fields in zip(self.ends_at, self.read, self.written, self.seconds, strict=True):
            sample = Sample(*fields)
            if is_coarse and sample.seconds >= LATE_SPAN_S:
                yield from _shared(sample)
            else:
                yield sample


def _shared(sample: Sample) -> Iterator[Sample]:
    """Share a sample of many seconds among them, evenly in time and without losing a byte.

    >>> [(each.ends_at, each.read) for each in _shared(Sample(60.0, 11, 0, 4.0))]
    [(57.0, 2), (58.0, 3), (59.0, 3), (60.0, 3)]
    """
    count = max(1, round(sample.seconds))
    for portion in spread(sample.read, sample.written, sample.seconds, 0, count):
        ends_at = sample.ends_at - (count - portion.bucket) * portion.seconds
        yield Sample(ends_at, portion.read, portion.written, portion.seconds)


class Recording:
    """The tracks of a recording, whose lines are added one by one.

    >>> recording = Recording()
    >>> recording.add('{"time": "2026-01-02T03:04:05.000Z", "tor": "relay", "read": 7,'
    ...               ' "written": 3, "seconds": 1.0}')
    >>> recording.add('{"time": "2026-01-02T03:04:06.0')
    >>> list(recording.tracks), recording.skipped_message
    (['relay'], 'a line is skipped: line 2 (cut off, or not JSON)')
    """

    def __init__(self) -> None:
        self.tracks: dict[str, Track] = {}
        "The track of each tor by name, in the order of their first samples."
        self._line_count = 0
        self._sample_count = 0
        self._skipped_count = 0
        self._skipped_lines: list[str] = []

    @property
    def begin(self) -> float:
        """The start of the earliest sample."""
        return min(track.begin for track in self.tracks.values())

    @property
    def end(self) -> float:
        """The end of the latest sample."""
        return max(track.end for track in self.tracks.values())

    @property
    def skipped_message(self) -> str:
        """A message about the lines that were skipped; empty if none were."""
        if not self._skipped_count:
            return ""
        lines = "a line is" if self._skipped_count == 1 else f"{self._skipped_count} lines are"
        more = self._skipped_count - len(self._skipped_lines)
        return f"{lines} skipped: {', '.join(self._skipped_lines)}" + (
            f" and {more} more" if more else ""
        )

    def add(self, line: str) -> None:
        """Add the next line, or skip it. Raises TooLongError if there are too many samples."""
        self._line_count += 1
        try:
            self._add(line)
        except FormatError as error:
            self._skipped_count += 1
            if len(self._skipped_lines) < MAX_NAMED_LINES:
                self._skipped_lines.append(f"line {self._line_count} ({error})")

    def _add(self, line: str) -> None:
        """Add a line. Raises FormatError if it has to be skipped."""
        entry = parse_line(line)
        if entry is None or entry.read is None or entry.written is None:
            return  # where there are no samples, there is a gap
        track = self.tracks.get(entry.tor)
        ends_at = entry.time.timestamp()
        if track is None:
            if len(self.tracks) >= MAX_TORS:
                message = f"more than {MAX_TORS} tors"
                raise FormatError(message)
            track = self.tracks[entry.tor] = Track()
        elif ends_at < track.end or ends_at - entry.seconds < track.end - MAX_OVERLAP_S:
            raise FormatError("earlier than the line before")
        if self._sample_count >= MAX_SAMPLES:
            raise TooLongError
        self._sample_count += 1
        track.ends_at.append(ends_at)
        track.read.append(entry.read)
        track.written.append(entry.written)
        track.seconds.append(entry.seconds)
