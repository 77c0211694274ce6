"""The order of members: one for every package, so that a reader sees what is twice, or missing its folder, at once.

Top names in the order of `TOP`, the children of a folder ascending by their bytes, a folder's content right after it.
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
"""Places compare as their members follow each other."""


def place_of(name: bytes) -> Place:
    """Where a name belongs; before everything else if it is nothing that a package holds."""
    top, *rest = name.split(b"/")
    return _RANKS.get(top, -1), rest


class Order:
    """Members must come in the order of their places. It remembers the one before, whatever their number."""

    def __init__(self) -> None:
        self._place: Place = (-1, [])
        self._name = b""
        self._open = False
        self._members = 0

    def meet(self, member: Member) -> None:
        """Take the next member; raises `PackageRefused`, which names it."""
        place = place_of(member.name)
        rank, parts = place
        if self._name == SUMS:
            raise PackageRefused(f"{member.shown!r} follows {SUMS.decode()}, which is always last.")
        if rank < 0:
            raise PackageRefused(f"{member.shown!r} is nothing that a package holds.")
        if self._members >= MAX_MEMBERS:
            raise PackageRefused(f"The package has more than {MAX_MEMBERS} members; no package is that large.")
        if member.name == self._name:
            raise PackageRefused(f"{member.shown!r} is in the package twice.")
        if place < self._place:
            raise PackageRefused(
                f"{member.shown!r} comes after {shown(self._name)!r}, where it has no place: it is in the package"
                " twice, or the package was not written by this software."
            )
        if parts and not self._has_opened(rank, parts[:-1]):
            raise PackageRefused(f"{member.shown!r} lies in a folder that is not in the package.")
        if not parts and member.is_folder == (member.name in _PLAIN):
            raise PackageRefused(f"{member.shown!r} is a {'folder' if member.is_folder else 'file'}; it never is.")
        self._place, self._name, self._open = place, member.name, member.is_folder
        self._members += 1

    def _has_opened(self, rank: int, parent: list[bytes]) -> bool:
        """Whether a folder is open: the member before lies in it, or is it. Everything above a member is a folder."""
        before_rank, before = self._place
        if rank != before_rank or before[: len(parent)] != parent:
            return False
        return self._open or len(before) > len(parent)
