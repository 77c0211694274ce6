"""Helpers that know nothing of the backup system: permissions, time zones, paths, SQL names, processes, progress."""
