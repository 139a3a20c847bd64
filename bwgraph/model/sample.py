"""What one BW event told us. Owns the ``Sample``; knows nothing else."""

from typing import NamedTuple

MOST = 1 << 40
"""Bytes. No sample is believed to hold more: tor's events go up to 4 GiB, and a day of these still
adds up in 63 bits."""


class Sample(NamedTuple):
    """Bytes that tor moved in one stretch of time.

    Tor's BW event holds "the bandwidth used in the last second" (control-spec, BW), in truth
    whatever was moved since the event before it, however long ago that was. So a sample carries
    the span that it covers, and the first event after a subscription, whose span nobody knows,
    is not a sample.
    """

    when: float
    "When it arrived, in seconds on a monotonic clock; the span that it covers ends here."
    read: int
    "Bytes that tor received: the download."
    written: int
    "Bytes that tor sent: the upload."
    seconds: float
    "The length of the span that it covers."
