"""The result of looking at a database server for a plan."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ServerCheck:
    """Whether a server can take in a database. `client` is the program or the driver that would bring it.

    `unmovable` is what keeps only the live database from being replaced, and not another one from being made.
    """

    database: str
    exists: bool
    server: str
    client: str
    blocking: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unmovable: list[str] = field(default_factory=list)
