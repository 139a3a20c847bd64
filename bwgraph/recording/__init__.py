"""Recordings: the lines of ``--json`` and ``--csv``, how they are written, read and replayed."""
