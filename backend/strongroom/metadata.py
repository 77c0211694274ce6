"""Owners, attributes, times and modes back onto what has been restored."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.format.tree import Node, NodeKind

_AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def apply_metadata(path: bytes, node: Node) -> Iterator[str]:
    """Apply what the node tells; yields what could not be, in words.

    The order matters: a change of owner clears set-id bits and capabilities, and everything but the mode of a
    read-only file would fail after it. Owners are left alone unless we are root: nobody else may give files away.
    """
    if _AS_ROOT:
        try:
            os.chown(path, node.uid, node.gid, follow_symlinks=False)
        except OSError as error:
            yield f"the owner {node.uid}:{node.gid} cannot be set: {error.strerror}"
    if hasattr(os, "setxattr"):
        for attribute in node.xattrs:
            try:
                os.setxattr(path, attribute.name, attribute.value or b"", follow_symlinks=False)
            except OSError as error:
                yield f"the attribute {attribute.name} cannot be set: {error.strerror}"
    follow = os.utime not in os.supports_follow_symlinks
    if node.kind is not NodeKind.SYMLINK or not follow:
        try:
            os.utime(path, ns=(node.atime_ns, node.mtime_ns), follow_symlinks=follow)
        except (OSError, OverflowError) as error:
            yield f"its times cannot be set: {error}"
    if node.kind is not NodeKind.SYMLINK:
        try:
            os.chmod(path, node.permissions)
        except OSError as error:
            yield f"its mode cannot be set: {error.strerror}"
