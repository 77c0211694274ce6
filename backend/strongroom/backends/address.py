"""From the address of a storage to its backend: the one place that chooses a backend class."""

from __future__ import annotations

import os
import re

from strongroom.backends.base import Backend
from strongroom.backends.local import LocalBackend
from strongroom.errors import UnsupportedAddress

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|(azure|b2|gs|rclone|rest|s3|sftp|swift):")
"""A scheme as in URLs, or one of restic's. A folder whose name holds any other colon is a folder."""


def open_backend(address: str | os.PathLike[str]) -> Backend:
    """Return the backend for a storage address: the path of a folder. Raise UnsupportedAddress for any other scheme.

    A new kind of storage adds its scheme here and its class beside `local.py`.
    """
    scheme = _SCHEME.match(address) if isinstance(address, str) else None
    if scheme:
        raise UnsupportedAddress(
            f"Cannot open the storage {address}: the scheme {scheme[1] or scheme[2]!r} is not supported, only folders"
            " are. Give the path of a folder, such as a mounted share."
        )
    return LocalBackend(address)
