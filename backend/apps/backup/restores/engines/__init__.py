"""Restore engines: one package for each kind of database, and one for folders."""
