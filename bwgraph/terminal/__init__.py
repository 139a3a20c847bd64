"""The screen in a terminal: curses, and the loop that reads keys and draws frames."""
