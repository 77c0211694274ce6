"""Whether what the project has is in its backups: each database and each file root by itself.

A type says what a backup was asked for. What it holds is in its manifest: patterns leave out whole databases and
roots, and a project gets new ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import conf
from ..selectors import LOOKED_FOR_FILES, backups_verified, holds_database, holds_root
from ..sources import database_aliases
from ..sources.files import file_roots
from ..sources.named_files import reference_fields


def never_verified() -> str:
    """What of this project no good backup holds that was read back, in words; empty if nothing is missing.

    Raises `SourceRefused` and `SettingsInvalid` where the project has what keeps every backup from being made.
    """
    fields = reference_fields(conf.load().reference_fields)
    databases = database_aliases(portable=True)
    roots = [root.name for root in file_roots(fields)]
    wanted = {f"databases/{alias}": holds_database(alias) for alias in databases}
    wanted |= {f"files/{name}": holds_root(name) for name in roots}
    if fields and not roots:
        # Rows could name files, and no folder is known: a backup that looked for them has seen that there are none.
        wanted["files/"] = LOOKED_FOR_FILES
        roots = [""]
    verified = backups_verified(wanted)
    return " and of ".join(
        [
            *_words("the database", "the database", databases, [f"databases/{one}" in verified for one in databases]),
            *_words("the files", "the file root", roots, [f"files/{one}" in verified for one in roots]),
        ]
    )


def _words(every: str, one: str, names: Sequence[str], verified: Sequence[bool]) -> list[str]:
    """`every` where all of a kind is missing, else `one` and the names."""
    missing = [name for name, is_verified in zip(names, verified, strict=True) if not is_verified]
    if not missing:
        return []
    return [every if len(missing) == len(names) else f"{one} {', '.join(map(repr, missing))}"]
