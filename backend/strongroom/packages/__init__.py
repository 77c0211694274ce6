"""Portable packages: one `.tar.gz` file with the content of a backup and the hash of every file in it.

A package that is encrypted with a passphrase is a `.tar.gz.gpg`, an OpenPGP message.
"""

from strongroom.packages.extraction import extract, require_empty, unpack
from strongroom.packages.manifest import Comparison, Contents, compare, read_contents
from strongroom.packages.package_file import head_opens_with, message_passphrase
from strongroom.packages.reader import Package, Tally, open_package
from strongroom.packages.reencryption import opens_with, reencrypt
from strongroom.packages.tar_format import Member
from strongroom.packages.writer import PackageResult, measure_file, remove_leftovers, write_package

__all__ = [
    "Comparison",
    "Contents",
    "Member",
    "Package",
    "PackageResult",
    "Tally",
    "compare",
    "extract",
    "head_opens_with",
    "measure_file",
    "message_passphrase",
    "open_package",
    "opens_with",
    "read_contents",
    "reencrypt",
    "remove_leftovers",
    "require_empty",
    "unpack",
    "write_package",
]
