"""Who we are, for keys, locks and snapshots: names to show, nothing that is trusted."""

from __future__ import annotations

import getpass
import os
import socket


def hostname() -> str:
    """The name of this machine, as locks compare it."""
    return socket.gethostname()


def username() -> str:
    """The name of this user, or the number of one that has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(user_id())


def user_id() -> int:
    """0 where the system has no such numbers."""
    return os.getuid() if hasattr(os, "getuid") else 0


def group_id() -> int:
    """0 where the system has no such numbers."""
    return os.getgid() if hasattr(os, "getgid") else 0
