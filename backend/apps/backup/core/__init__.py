"""Helpers without knowledge of backups: permissions, time zones, paths, SQL names, processes, progress."""
