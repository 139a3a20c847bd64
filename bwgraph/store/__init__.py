"""The history on disk: a SQLite file, what writes it, and what restores it."""
