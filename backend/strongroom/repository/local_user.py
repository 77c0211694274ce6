"""The host, user and group of this process, for keys, locks and snapshots. For display only, never trusted."""

from __future__ import annotations

import getpass
import os
import socket


def hostname() -> str:
    """Return the name of this machine. Locks compare it."""
    return socket.gethostname()


def username() -> str:
    """Return the name of this user, or the user id if there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(user_id())


def user_id() -> int:
    """Return the user id; 0 on a system without user ids."""
    return os.getuid() if hasattr(os, "getuid") else 0


def group_id() -> int:
    """Return the group id; 0 on a system without group ids."""
    return os.getgid() if hasattr(os, "getgid") else 0
