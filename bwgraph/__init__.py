"""bwgraph: the bandwidth graph for Tor.

Importing the package does nothing. ``bwgraph.__main__.main`` is the program.
"""

__version__ = "0.1.0"
