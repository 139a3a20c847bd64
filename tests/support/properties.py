"""How the tests that state a property are run: the same examples each time, and no clock."""

from hypothesis import HealthCheck, settings

PROPERTY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow],
)
"A decorator for a test with ``given``."
