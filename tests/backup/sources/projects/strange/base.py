"""A database engine that nobody knows how to back up: SQLite under another name."""

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    vendor = "strange"
