"""Restores of SQLite files."""
