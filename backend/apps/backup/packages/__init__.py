"""One portable file, out and in: a `.tar.gz` with the inside of a snapshot and the hash of everything in it.

Encrypted with a passphrase it is a `.tar.gz.gpg`, an OpenPGP message.
"""

from .errors import PackageDamaged, PackageLocked, PackageRefused
from .extracting import extract
from .reading import Package, open_package, verify_package
from .sealed import message_passphrase
from .writing import PackageResult, write_package

__all__ = [
    "Package",
    "PackageDamaged",
    "PackageLocked",
    "PackageRefused",
    "PackageResult",
    "extract",
    "message_passphrase",
    "open_package",
    "verify_package",
    "write_package",
]
