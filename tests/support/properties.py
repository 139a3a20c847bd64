"""Settings of property tests: the same examples in each run, and no time limit."""

from hypothesis import HealthCheck, settings

PROPERTY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.too_slow],
)
"A decorator for tests that use ``given``."
