"""Errors while the sources of a backup are opened and read."""

from ..errors import BackupError


class CaptureFailed(BackupError):
    """A source could not be read to its end; there is no backup."""

    retryable = True


class SourceRefused(BackupError):
    """A source cannot be backed up as it is configured; nothing was read."""


class ClientMissing(BackupError):
    """The client programs of a database are missing or older than its server; `what` says which, `helps` the remedy."""

    def __init__(self, what: str, helps: str = "") -> None:
        super().__init__(f"{what} {helps}".strip())
        self.what, self.helps = what, helps
