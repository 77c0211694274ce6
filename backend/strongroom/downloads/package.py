"""Download a whole snapshot as a package, exactly as `strongroom.packages` reads one.

Packages hold neither links nor special files; these are counted. Nothing is compressed, so that the length is known in
advance. To continue at an offset, everything before it is read again for the hashes in SHA256SUMS, but not sent.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from strongroom.downloads.base import LeftOut, Measure, Measures, Stretch, identity_of, read_range
from strongroom.downloads.file import content_parts, require_complete
from strongroom.downloads.stored_gzip import stored, stored_length
from strongroom.errors import Damaged, PackageRefused
from strongroom.format.tree import Node, NodeKind
from strongroom.packages import readme
from strongroom.packages.checksums import ChecksumList, encode_sum
from strongroom.packages.member_order import MANIFEST, README, SUMS, TOP, MemberOrder, place_of
from strongroom.packages.reader import MAX_MANIFEST
from strongroom.packages.tar_format import END, Member, encode_header, header_of, padding, require_safe
from strongroom.snapshots import SnapshotView

_VERSION: Final = 1
"""The version of the form. Another version gives other bytes for the same snapshot."""
_PIECE: Final = 1 << 20
_NO_DIGEST: Final = bytes(32)


class PackageDownload:
    """A snapshot of a backup as one plain `.tar.gz`, without everything below the top names in `without`.

    `not_packed` are top names that a snapshot may have and a package has not: they are not counted as left out.
    Reads all trees to find the length, unless `measures` has it. Raises Damaged, or PackageRefused for a snapshot that
    cannot be a package: of another program, or with names that a package cannot have.
    """

    def __init__(
        self,
        view: SnapshotView,
        *,
        without: Collection[bytes] = (),
        not_packed: Collection[bytes] = (),
        measures: Measures | None = None,
    ) -> None:
        self._view = view
        self._without = frozenset(without)
        self._not_packed = frozenset(not_packed)
        self._time_ns = view.snapshot.time_ns
        self._listed = 0
        self.identity = identity_of(
            "package", _VERSION, view.snapshot.tree, self._time_ns, readme.TEXT, sorted(self._without)
        )
        known = {} if measures is None else measures
        measure = known.get(self.identity)
        if measure is None:
            measure = known[self.identity] = self._measure()
        self._listed = measure.listed
        self.length = measure.length
        self.left_out = measure.left_out

    def _measure(self) -> Measure:
        order = MemberOrder()
        left_out = LeftOut()
        length = len(END)
        for member, node in self._members(left_out):
            require_safe(member.name)
            order.check(member)
            if not member.is_folder and member.name != SUMS:
                # The list itself comes last; its length is known by then.
                self._listed += len(encode_sum(member.name, _NO_DIGEST))
            if node is not None and node.kind is NodeKind.FILE:
                require_complete(self._view, node)
            length += header_of(member).length + member.size + len(padding(member.size))
        return Measure(stored_length(length), left_out, self._listed)

    def _sums_member(self) -> Member:
        return Member(SUMS, False, self._listed, 0o600, self._time_ns)

    def _members(self, left_out: LeftOut) -> Iterator[tuple[Member, Node | None]]:
        """Yield all members in package order, README.txt and SHA256SUMS without a node. Count the left-out entries."""
        tops = [node for node in self._view.nodes(self._view.snapshot.tree) if node.name not in self._not_packed]
        self._require_package(tops)
        yield Member(README, False, len(readme.TEXT), 0o600, self._time_ns), None
        for top in sorted(tops, key=lambda node: place_of(node.name)):
            for path, node in self._below(top):
                if top.name in self._without:
                    left_out.withheld += 1
                elif node.kind in {NodeKind.FILE, NodeKind.DIR}:
                    yield _member_of(path, node), node
                else:
                    left_out.count(node)
        yield self._sums_member(), None

    def _below(self, top: Node) -> Iterator[tuple[bytes, Node]]:
        yield top.name, top
        if top.kind is NodeKind.DIR:
            if top.subtree is None:
                raise Damaged(f"The folder {top.name!r} has no tree.")
            yield from self._view.walk(top.subtree, top.name)

    def _require_package(self, tops: Sequence[Node]) -> None:
        which = f"Snapshot {self._view.snapshot.id[:8]}"
        for node in tops:
            if node.name not in TOP or node.name in {README, SUMS} or node.kind not in {NodeKind.FILE, NodeKind.DIR}:
                raise PackageRefused(
                    f"{which} has the entry {node.name!r}, which no package has. Download its folders."
                )
            if node.name == MANIFEST and node.size > MAX_MANIFEST:
                raise PackageRefused(
                    f"{which} has a {MANIFEST.decode()} of {node.size} bytes, more than {MAX_MANIFEST}. Download its"
                    " folders."
                )
        if MANIFEST not in {node.name for node in tops}:
            raise PackageRefused(
                f"{which} has no {MANIFEST.decode()}, so it cannot be a package. Download its folders."
            )

    def read(self, start: int, stop: int) -> Stretch:
        """Yield the bytes from `start` up to `stop`; see `Download`."""
        with contextlib.closing(ChecksumList()) as sums:
            yield from read_range(stored(self._tar(sums)), start, stop)

    def _tar(self, sums: ChecksumList) -> Iterator[bytes]:
        for member, node in self._members(LeftOut()):
            yield encode_header(member)
            if member.name == SUMS:
                yield from self._list(sums)
            elif not member.is_folder:
                digest = hashlib.sha256()
                for piece in self._content(node):
                    digest.update(piece)
                    yield piece
                sums.add(member.name, digest.digest())
            yield padding(member.size)
        yield END

    def _content(self, node: Node | None) -> Iterator[bytes]:
        if node is None:
            return iter((readme.TEXT,))
        return read_range(content_parts(self._view, node), 0, node.size)

    def _list(self, sums: ChecksumList) -> Iterator[bytes]:
        if sums.spool.size != self._listed:
            raise Damaged("The list of hashes does not have its expected length. Start the download again.")
        sums.spool.rewind()
        while piece := sums.spool.read(_PIECE):
            yield piece


def _member_of(name: bytes, node: Node) -> Member:
    return Member(
        name=name,
        is_folder=node.kind is NodeKind.DIR,
        size=node.size if node.kind is NodeKind.FILE else 0,
        mode=node.permissions & 0o777,
        mtime_ns=node.mtime_ns,
        uid=node.uid,
        gid=node.gid,
    )
