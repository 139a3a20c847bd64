"""Recordings: the lines of ``--json`` and ``--csv``, written and read."""
