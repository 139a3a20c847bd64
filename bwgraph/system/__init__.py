"""The operating system: clocks, signals, threads, the wakeup pipe, standard streams."""
