"""The waits and limits of the tor package: how the default values relate to each other."""

import pytest

from bwgraph.system import threads
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import ControlPort, NamedEndpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.targets import Secrets, Targets
from bwgraph.tor.timing import DEFAULT_TIMING, Timing


def test_grace_after_a_suspension_is_that_of_other_timeouts() -> None:
    assert DEFAULT_TIMING.grace_s == threads.GRACE_S


def test_silent_connection_is_reported_before_it_is_closed() -> None:
    timing = DEFAULT_TIMING
    assert timing.silence_s + timing.grace_s < timing.give_up_after_s
    assert timing.attempt_timeout_s < timing.round_timeout_s


@pytest.mark.parametrize(
    "targets",
    [
        Targets((NamedEndpoint("", ControlPort("127.0.0.1", 1)),)),
        Targets(candidates=(ControlPort("127.0.0.1", 1), ControlPort("127.0.0.1", 2))),
    ],
    ids=["named", "candidates"],
)
def test_fleet_passes_its_timing_to_each_source(targets: Targets) -> None:
    timing = Timing(silence_s=7.0)
    _, sources = targets.create_fleet(Secrets(Credentials()), wait_forever=False, timing=timing)
    for source in sources.values():
        assert isinstance(source, TorSource)
        assert source._timing is timing
