"""What can be wrong with a package, or keep one from being written."""

from ..errors import BackupError


class PackageRefused(BackupError):
    """The package cannot be written there, or may not be taken in."""


class PackageDamaged(PackageRefused):
    """The package is not what was written."""


class PackageLocked(PackageRefused):
    """Wrong passphrase, or a package that is damaged where the passphrase is tried: the two look the same."""
