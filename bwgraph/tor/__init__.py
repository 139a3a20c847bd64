"""Tors: where they are found, the connections to them, and the events that these report."""
