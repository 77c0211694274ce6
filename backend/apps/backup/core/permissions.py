"""The permissions of users: one right for each kind of action; no right implies another.

They are permissions of Django, such as `backup.view_backups`, which an administrator gives to users and groups.
Superusers have all of them.
"""

from __future__ import annotations

import enum


class Right(enum.Enum):
    """A right; its value says in words what it allows."""

    VIEW = "Can see configurations, backups, restores and their state"
    CONFIGURE = "Can make, change, switch and delete backup configurations"
    RUN = "Can start, cancel, verify and pin backups"
    DOWNLOAD = "Can look into backups and download them"
    RESTORE = "Can restore backups, upload packages, roll back and release"
    DELETE = "Can delete backups"
    PRUNE = "Can apply retention and take space back"

    @property
    def label(self) -> str:
        """The text in Django's admin."""
        return self.value

    @property
    def codename(self) -> str:
        """The name in Django's table of permissions."""
        return f"{self.name.lower()}_backups"

    @property
    def permission(self) -> str:
        """The argument of `User.has_perm`, for the app's fixed label."""
        return f"backup.{self.codename}"
