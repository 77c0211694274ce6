"""Metadata of files: from the disk into nodes, and from nodes back onto the disk."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterator

from strongroom.format.tree import Node, NodeKind, Xattr, go_mode

try:
    import grp
    import pwd
except ImportError:  # a system without numbered owners
    grp = pwd = None  # type: ignore[assignment]

_KINDS = {
    stat.S_IFREG: NodeKind.FILE,
    stat.S_IFDIR: NodeKind.DIR,
    stat.S_IFLNK: NodeKind.SYMLINK,
    stat.S_IFBLK: NodeKind.BLOCK_DEVICE,
    stat.S_IFCHR: NodeKind.CHAR_DEVICE,
    stat.S_IFIFO: NodeKind.FIFO,
    stat.S_IFSOCK: NodeKind.SOCKET,
}
_WITH_LINKS = {NodeKind.FILE, NodeKind.SYMLINK, NodeKind.BLOCK_DEVICE, NodeKind.CHAR_DEVICE}
_DEVICES = {NodeKind.BLOCK_DEVICE, NodeKind.CHAR_DEVICE}
_AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def kind_of(status: os.stat_result) -> NodeKind | None:
    """Return the kind of a file; None for a kind that the format does not have."""
    return _KINDS.get(stat.S_IFMT(status.st_mode))


def node_of(name: bytes, kind: NodeKind, status: os.stat_result) -> Node:
    """Return a node with the metadata of `lstat`.

    The access time is the modification time, as in restic: otherwise each backup would change the tree.
    """
    return Node(
        name=name,
        kind=kind,
        mode=go_mode(kind, stat.S_IMODE(status.st_mode)),
        mtime_ns=status.st_mtime_ns,
        atime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        uid=status.st_uid,
        gid=status.st_gid,
        user=_user_name(status.st_uid),
        group=_group_name(status.st_gid),
        inode=status.st_ino,
        device_id=status.st_dev,
        links=status.st_nlink if kind in _WITH_LINKS else 0,
        device=status.st_rdev if kind in _DEVICES else 0,
    )


def read_xattrs(place: bytes | int) -> tuple[Xattr, ...]:
    """Return the extended attributes of a path, without following a link, or of an open file. Raises OSError."""
    if not hasattr(os, "listxattr"):
        return ()
    follow = isinstance(place, int)
    return tuple(
        Xattr(name, os.getxattr(place, name, follow_symlinks=follow))
        for name in os.listxattr(place, follow_symlinks=follow)
    )


def apply_metadata(path: bytes, node: Node) -> Iterator[str]:
    """Apply the metadata of a node. Yield the reason for each part that cannot be applied.

    The order matters: a change of owner clears set-id bits and capabilities, and after the mode of a read-only file is
    set, all else would fail. Owners are set only as root, since no other user may give files away.
    """
    if _AS_ROOT:
        try:
            os.chown(path, node.uid, node.gid, follow_symlinks=False)
        except OSError as error:
            yield f"cannot set the owner {node.uid}:{node.gid}: {error.strerror}"
    if hasattr(os, "setxattr"):
        for attribute in node.xattrs:
            try:
                os.setxattr(path, attribute.name, attribute.value or b"", follow_symlinks=False)
            except OSError as error:
                yield f"cannot set the attribute {attribute.name}: {error.strerror}"
    follow = os.utime not in os.supports_follow_symlinks
    if node.kind is not NodeKind.SYMLINK or not follow:
        try:
            os.utime(path, ns=(node.atime_ns, node.mtime_ns), follow_symlinks=follow)
        except (OSError, OverflowError) as error:
            yield f"cannot set the times: {error}"
    if node.kind is not NodeKind.SYMLINK:
        try:
            os.chmod(path, node.permissions)
        except OSError as error:
            yield f"cannot set the mode: {error.strerror}"


@functools.lru_cache(maxsize=4096)
def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name if pwd else ""
    except KeyError:
        return ""


@functools.lru_cache(maxsize=4096)
def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name if grp else ""
    except KeyError:
        return ""
