"""Tors: their endpoints, the connections to them, and the events that these report."""
