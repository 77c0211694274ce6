"""Whether what the project has is in its backups: each database and each file root by itself.

A type says what a backup was asked for. What it holds is in its manifest: patterns leave out whole databases and
roots, and a project gets new ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from .. import conf
from ..selectors import LOOKED_FOR_FILES, backups_verified, holds_database, holds_root
from ..sources import database_aliases
from ..sources.files import file_roots
from ..sources.named_files import reference_fields


def never_verified(absent: Q) -> str:
    """What of this project no good backup holds that was read back, in words; empty if nothing is missing.

    A backup that meets the condition `absent` is not there.

    Raises `SourceRefused` and `SettingsInvalid` where the project has what keeps every backup from being made.
    """
    fields = reference_fields(conf.load().reference_fields)
    databases = {alias: holds_database(alias) for alias in database_aliases(portable=True)}
    roots = {root.name: holds_root(root.name) for root in file_roots(fields)}
    if fields and not roots:
        # Rows could name files, and no folder is known: a backup that looked for them has seen that there are none.
        roots = {"": LOOKED_FOR_FILES}
    missing = [
        _missing(databases, "the database", "the database", absent=absent),
        _missing(roots, "the files", "the file root", absent=absent),
    ]
    return " and of ".join(filter(None, missing))


def _missing(wanted: Mapping[str, Q], every: str, one: str, *, absent: Q) -> str:
    """What of a kind no backup holds: `every` where that is all of it, else `one` and the names; empty for nothing."""
    verified = backups_verified(wanted, absent=absent)
    names = [name for name in wanted if name not in verified]
    if not names:
        return ""
    return every if len(names) == len(wanted) else f"{one} {', '.join(map(repr, names))}"
