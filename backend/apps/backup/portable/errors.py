"""Errors of databases that cannot be exported as rows."""

from ..errors import BackupError


class TableUnreadable(BackupError):
    """A table holds something that has no portable form; nothing of it may be called complete."""


class NotPortable(BackupError):
    """A value, table or migration cannot be taken in here."""
