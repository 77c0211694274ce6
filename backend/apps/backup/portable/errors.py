"""Errors of databases that cannot be exported as rows."""

from ..errors import BackupError


class TableUnreadable(BackupError):
    """A table holds a value that has no portable form: the backup of the table would not be complete."""


class NotPortable(BackupError):
    """A value, table or migration of a package cannot be restored into the database here."""
