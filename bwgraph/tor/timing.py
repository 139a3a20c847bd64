"""The waits and limits of the tor package, in one value.

Owns the default of every wait and limit. Tests pass a value of their own:
``Timing(silence_s=0.1)``. Must not know who waits.
"""

from typing import NamedTuple


class Timing(NamedTuple):
    """Waits in seconds, and limits in bytes or samples, of one connection and its supervisor."""

    silence_s: float = 3.5
    """Seconds without a byte (transport) or a BW event (watchdog) after which a connection counts
    as silent, and the time limit for connecting to a control port. A subscribed tor sends an event
    every second."""

    give_up_after_s: float = 20.0
    """Seconds of silence after which an established connection is closed. It is longer than
    ``silence_s`` because a stopped tor process may continue."""

    probe_timeout_s: float = 0.5
    "Seconds within which a control port on this machine must accept a connection, to be found."

    attempt_timeout_s: float = 9.0
    "Seconds that one attempt may take, from connecting to the first event."

    round_timeout_s: float = 13.0
    "Seconds that the attempts at all endpoints may take together, before the user gets an error."

    first_event_timeout_s: float = 3.0
    "Seconds to wait for the first event; tor sends one within a second of the subscription."

    prompt_event_s: float = 0.05
    """Seconds after tor's last answer within which the first event arrives unless another
    controller is subscribed already."""

    reconnect_delays_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)
    "Seconds to wait before each attempt to reconnect; the last one repeats."

    watch_interval_s: float = 10.0
    """Seconds between two checks of a tor that sends events. The transport reports a silence by
    itself, but its thread may have died, or tor may answer and send no events."""

    silent_watch_interval_s: float = 1.0
    "Seconds between two checks of a silent tor, which may continue and fall silent again."

    grace_s: float = 1.2
    """Seconds between noticing a silence and reporting it. bwgraph itself may have been suspended,
    and the events of that time are still to be read."""

    first_counter_delay_s: float = 2.0
    """Seconds until tor's counters are compared for the first time. The value read when connecting
    may include bytes that belong to the first sample."""

    counter_interval_s: float = 60.0
    "Seconds between two comparisons with tor's counters."

    first_describe_delay_s: float = 0.3
    "Seconds until tor's fingerprint, limits and accounting are requested for the first time."

    describe_interval_s: float = 30.0
    "Seconds between two requests for tor's fingerprint, limits and accounting."

    close_timeout_s: float = 0.5
    "Seconds that stem may take to close a connection."

    max_line_bytes: int = 1 << 20
    "Bytes of the longest line that is read. The answers that bwgraph asks for are far shorter."

    max_unused_bytes: int = 16 << 20
    "Bytes that may be read without completing a BW event: stem stores an answer until it ends."

    max_held_samples: int = 4096
    "Samples held before the connection is reported; further ones are added to the last."


DEFAULT_TIMING = Timing()
"The waits and limits of a real run."
