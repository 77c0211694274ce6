"""What can keep a restore from being done."""

from ..errors import BackupError, RestoreFailed

__all__ = ["JournalUnwritable", "RestoreFailed", "RestoreRefused", "RestoreUnfinished"]


class RestoreRefused(BackupError):
    """The restore cannot or may not be done as asked; nothing was changed."""


class RestoreUnfinished(RestoreFailed):
    """The restore is neither done nor undone: its journal has it, and whoever looks next completes it."""


class JournalUnwritable(BackupError):
    """The journal of a restore cannot be written; so nothing more is done to what it is about."""
