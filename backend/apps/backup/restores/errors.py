"""What can keep a restore from being done."""

from ..errors import BackupError


class RestoreRefused(BackupError):
    """The restore cannot or may not be done as asked; nothing was changed."""


class RestoreFailed(BackupError):
    """The restore did not succeed; the text says what is live now."""
