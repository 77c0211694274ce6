"""What can be wrong with a package, or keep one from being written."""

from ..errors import BackupError


class PackageRefused(BackupError):
    """The package cannot be written there, or may not be taken in."""


class PackageDamaged(PackageRefused):
    """The package is not what was written."""
