"""Portable rows read from and written to each kind of database."""
