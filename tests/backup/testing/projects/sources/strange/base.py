"""A database engine without backup support: SQLite under another name."""

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    vendor = "strange"
