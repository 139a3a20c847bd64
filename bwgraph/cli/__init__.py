"""The command line: reads the options and runs what they ask for."""
