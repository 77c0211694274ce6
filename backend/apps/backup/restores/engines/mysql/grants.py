"""Read the rights of a MariaDB or MySQL user from SHOW GRANTS, without trying them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .server import column, text

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_GRANT: Final = re.compile(r"GRANT (?P<rights>.+?) ON (?P<database>\*|`(?:[^`]|``)*`)\.\* TO ", re.DOTALL)
_ALL: Final = frozenset({"ALL", "ALL PRIVILEGES"})
_DEFINERS: Final = frozenset({"SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER"})


@dataclass(frozen=True)
class Rights:
    """The rights of a `user` (`name@host`). `grants` are pairs of a pattern of databases ("" for all) and rights."""

    user: str
    grants: list[tuple[str, frozenset[str]]]

    def missing(self, database: str, wanted: frozenset[str]) -> list[str]:
        """Return the wanted rights that are not granted on a database."""
        granted: set[str] = set()
        for pattern, rights in self.grants:
            if not pattern or _matches(pattern, database):
                granted |= rights
        return [] if granted & _ALL else sorted(wanted - granted)

    def may_define_for(self, definer: str) -> bool:
        """Return whether the user can create triggers that run as `definer`."""
        return definer == self.user or any(
            not pattern and rights & (_DEFINERS | _ALL) for pattern, rights in self.grants
        )

    @property
    def is_superuser(self) -> bool:
        return any(not pattern and rights & (_ALL | {"SUPER"}) for pattern, rights in self.grants)


def read_rights(cursor: CursorWrapper) -> Rights:
    """Return the rights of the connection's user, with those of the active roles."""
    cursor.execute("SELECT CURRENT_USER()")
    user = text(cursor)
    cursor.execute("SHOW GRANTS")
    return Rights(user, parse_grants(column(cursor)))


def parse_grants(lines: list[str]) -> list[tuple[str, frozenset[str]]]:
    """Return the grants on whole databases in the lines of SHOW GRANTS."""
    found = []
    for line in lines:
        match = _GRANT.match(line)
        if match is not None:
            database = match["database"]
            pattern = "" if database == "*" else database[1:-1].replace("``", "`")
            found.append((pattern, frozenset(word.strip() for word in match["rights"].split(","))))
    return found


def like_pattern(name: str) -> str:
    """Return a name with the wildcards of GRANT escaped."""
    return re.sub(r"([\\_%])", r"\\\1", name)


def _matches(pattern: str, name: str) -> bool:
    """Return whether a pattern as in LIKE matches: `_` is one character, `%` any number, a backslash escapes."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wildcards = {"_": ".", "%": ".*"}
    expression = "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, name, re.DOTALL) is not None
