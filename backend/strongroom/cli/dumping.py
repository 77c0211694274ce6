"""The subcommand dump: a file of a snapshot, or a folder as an archive."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from strongroom import exit_codes
from strongroom.cli.access import reading
from strongroom.cli.output import name, print_error, print_json
from strongroom.downloads.file import FileDownload
from strongroom.downloads.folder import FolderDownload
from strongroom.durable_names import publish_new, sync_folder
from strongroom.errors import SnapshotNotFound, StrongroomError
from strongroom.format.tree import Node, NodeKind
from strongroom.packages.writer import temporary_file
from strongroom.snapshots import SnapshotView

_PIECE = 1 << 16
"""Bytes of a zip that are collected before they are written."""


def dump(options: argparse.Namespace) -> int:
    """Write a file of a snapshot, or a folder as an archive, to stdout or into a new file.

    An error leaves no file under the name of the target. Output that ends early on stdout is no valid archive.
    """
    if not options.target and sys.stdout.isatty():
        print_error("error: stdout is a terminal. Use --target FILE, or send the output to a file or a command.")
        return exit_codes.USAGE
    with reading(options) as (repository, index):
        view = SnapshotView(repository, repository.snapshot(options.snapshot), index)
        node = _node(view, os.fsencode(options.path).strip(b"/"))
        blocks = _blocks(view, node, options.archive)
        if options.target:
            _write_new_file(Path(options.target), blocks)
        else:
            for block in blocks:
                sys.stdout.buffer.write(block)
    if options.target and options.json:
        target = str(Path(options.target).absolute())
        print_json({"snapshot": view.snapshot.id, "path": options.path, "target": target, "type": node.kind.value})
    return exit_codes.OK


def _write_new_file(target: Path, blocks: Iterator[bytes]) -> None:
    """Write a file that gets its name when it is complete and on the disk. Never replaces another one."""
    try:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with temporary_file(target) as (temporary, file):
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            publish_new(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise StrongroomError(
            f"Cannot write {target}: {error.strerror}. Nothing was left there. Choose another --target, or make room."
        ) from None


def _node(view: SnapshotView, path: bytes) -> Node:
    if not path:
        return Node(name=b".", kind=NodeKind.DIR, mode=0o755, subtree=view.snapshot.tree)
    node = view.find(path)
    if node is None:
        raise SnapshotNotFound(
            f"Snapshot {view.snapshot.id[:8]} has no {name(path)}. `strongroom find` searches for files."
        )
    if node.kind not in {NodeKind.FILE, NodeKind.DIR}:
        raise StrongroomError(f"{name(path)} is a {node.kind.value}. Only files and folders can be dumped.")
    return node


def _blocks(view: SnapshotView, node: Node, archive: str) -> Iterator[bytes]:
    """Yield the bytes of a file, a tar or a zip."""
    if node.kind is NodeKind.FILE:
        file = FileDownload(view, node)
        yield from file.read(0, file.length)
    elif archive == "tar":
        folder = FolderDownload(view, node)
        if folder.left_out:
            print_error(f"warning: {folder.left_out.specials} special files are not in the archive")
        yield from folder.read(0, folder.length)
    else:
        yield from _zip_blocks(view, node)


class _Collected(io.RawIOBase):
    """A stream whose bytes are taken out of it. It cannot seek, so that a zip writes each byte once."""

    def __init__(self) -> None:
        super().__init__()
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = memoryview(data)  # type: ignore[arg-type]
        self._content += piece
        return piece.nbytes

    def take(self, least: int = 0) -> Iterator[bytes]:
        """Yield the bytes written so far, if there are at least so many."""
        if self._content and len(self._content) >= least:
            taken, self._content = bytes(self._content), bytearray()
            yield taken


def _zip_blocks(view: SnapshotView, folder: Node) -> Iterator[bytes]:
    """Yield a zip. After an error its list of contents is not yielded, so that no tool takes it for a whole one."""
    left_out = 0
    collected = _Collected()
    with zipfile.ZipFile(collected, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, node in view.walk(folder.subtree, b"" if folder.name == b"." else folder.name):
            member = zipfile.ZipInfo(path.decode("utf-8", "backslashreplace"), _zip_time(node.mtime_ns))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = node.permissions << 16
            if node.kind is NodeKind.DIR:
                member.filename += "/"
                archive.writestr(member, b"")
            elif node.kind is NodeKind.FILE:
                file = FileDownload(view, node)
                with archive.open(member, "w", force_zip64=True) as target:
                    for block in file.read(0, file.length):
                        target.write(block)
                        yield from collected.take(_PIECE)
            else:
                left_out += 1
            yield from collected.take(_PIECE)
    yield from collected.take()
    if left_out:
        print_error(f"warning: {left_out} links and special files are not in the archive")


def _zip_time(nanoseconds: int) -> tuple[int, int, int, int, int, int]:
    """Return a time as zip files hold it: local, from 1980 to 2107."""
    try:
        at = datetime.fromtimestamp(nanoseconds // 10**9, UTC).astimezone()
    except (OverflowError, ValueError):
        return 1980, 1, 1, 0, 0, 0
    return (max(1980, min(at.year, 2107)), at.month, at.day, at.hour, at.minute, at.second)
