"""The exchange of two names in one step of the file system."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Final

_AT_FDCWD: Final = -100
"""The system ignores it, because paths are absolute."""
_RENAME_EXCHANGE: Final = 2


def exchange_names(one: Path, other: Path) -> None:
    """Exchange two names. Raises OSError; also on a system without such a call."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(one))
    sys.audit("edms_backup.exchange", str(one), str(other))
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))
