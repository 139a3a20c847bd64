"""The store: an SQLite file with histories, the thread that writes it, and their restoration."""
