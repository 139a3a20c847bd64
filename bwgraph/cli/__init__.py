"""The command line: reads the options, connects the other wings, starts what was asked for."""
