"""One portable file, out and in: a `.tar.gz` with the inside of a snapshot and the hash of everything in it."""

from .errors import PackageDamaged, PackageRefused
from .extracting import extract
from .reading import Package, open_package, verify_package
from .writing import PackageResult, write_package

__all__ = [
    "Package",
    "PackageDamaged",
    "PackageRefused",
    "PackageResult",
    "extract",
    "open_package",
    "verify_package",
    "write_package",
]
