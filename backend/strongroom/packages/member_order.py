"""The order of members. Every package has the same, so that a reader detects duplicates and missing folders at once.

Top names are in the order of `TOP`, entries of a folder in the order of their bytes, directly after the folder.
"""

from __future__ import annotations

from typing import Final

from strongroom.errors import PackageRefused
from strongroom.packages.tar_format import Member, shown

README: Final = b"README.txt"
DATA: Final = b"data"
DATABASES: Final = b"databases"
FILES: Final = b"files"
PROJECT: Final = b"project"
MANIFEST: Final = b"manifest.json"
SUMS: Final = b"SHA256SUMS"
TOP: Final = (README, DATA, DATABASES, FILES, PROJECT, MANIFEST, SUMS)
MAX_MEMBERS: Final = 10_000_000

_PLAIN: Final = frozenset({README, MANIFEST, SUMS})
_RANKS: Final = {name: rank for rank, name in enumerate(TOP)}

Place = tuple[int, list[bytes]]
"""A sort key: places compare like the order of their members."""


def place_of(name: bytes) -> Place:
    """Return the place of a name. A name that a package cannot have comes before all others."""
    top, *rest = name.split(b"/")
    return _RANKS.get(top, -1), rest


class MemberOrder:
    """Check that members come in the order of their places. Keeps only the previous member."""

    def __init__(self) -> None:
        self._place: Place = (-1, [])
        self._name = b""
        self._open = False
        self._members = 0

    def check(self, member: Member) -> None:
        """Check the next member. Raises `PackageRefused`, which names it."""
        place = place_of(member.name)
        rank, parts = place
        if self._name == SUMS:
            raise PackageRefused(
                f"{member.shown!r} follows {SUMS.decode()}, which must be last. Do not trust the package."
            )
        if rank < 0:
            raise PackageRefused(f"{member.shown!r} does not belong into a package. Do not trust it.")
        if self._members >= MAX_MEMBERS:
            raise PackageRefused(f"The package has more than {MAX_MEMBERS} members, the maximum.")
        if member.name == self._name:
            raise PackageRefused(f"{member.shown!r} is in the package twice. Do not trust the package.")
        if place < self._place:
            raise PackageRefused(
                f"{member.shown!r} comes after {shown(self._name)!r}, in the wrong order: it is in the package twice,"
                " or another program wrote the package."
            )
        if parts and not self._has_opened(rank, parts[:-1]):
            raise PackageRefused(f"{member.shown!r} is in a folder that is missing in the package.")
        if not parts and member.is_folder == (member.name in _PLAIN):
            raise PackageRefused(
                f"{member.shown!r} is a {'folder' if member.is_folder else 'file'}, which it must not be."
            )
        self._place, self._name, self._open = place, member.name, member.is_folder
        self._members += 1

    def _has_opened(self, rank: int, parent: list[bytes]) -> bool:
        """Return whether a folder is open: the previous member is the folder itself, or lies in it."""
        before_rank, before = self._place
        if rank != before_rank or before[: len(parent)] != parent:
            return False
        return self._open or len(before) > len(parent)
