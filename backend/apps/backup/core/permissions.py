"""What somebody may do with the backups: one right for each kind of thing, none of which implies another.

They are permissions of Django, given to users and groups as any other: `backup.view_backups` and so on. Superusers have
all of them.
"""

from __future__ import annotations

import enum


class Right(enum.Enum):
    """A right; its value is what it allows, in words."""

    VIEW = "Can see configurations, backups, restores and their state"
    CONFIGURE = "Can make, change, switch and delete backup configurations"
    RUN = "Can start, cancel, verify and pin backups"
    DOWNLOAD = "Can look into backups and download them"
    RESTORE = "Can restore backups, upload packages, roll back and release"
    DELETE = "Can delete backups"
    PRUNE = "Can apply retention and take space back"

    @property
    def label(self) -> str:
        """As Django's admin shows it."""
        return self.value

    @property
    def codename(self) -> str:
        """Its name in Django's table of permissions."""
        return f"{self.name.lower()}_backups"

    @property
    def permission(self) -> str:
        """What `User.has_perm` takes, for the app's fixed label."""
        return f"backup.{self.codename}"
