"""Capture of SQLite: a copy by the online backup API, and rows."""
