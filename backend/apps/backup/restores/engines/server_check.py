"""The result of checking a database server for a plan."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ServerCheck:
    """The result of checking whether a server can take a database. `client` is the program or driver that loads it.

    `unmovable` are obstacles to replacing the live database that do not prevent creating another one.
    """

    database: str
    exists: bool
    server: str
    client: str
    blocking: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unmovable: list[str] = field(default_factory=list)
