"""Which projects are tried on what: a small set of cells in which each two values of two axes meet.

Not each combination: what breaks an installation is nearly always one value, or two that meet.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from .shelf import SHELF, Project

VERSIONS = ("django42", "django52", "django60", "lowest", "newest")
DATABASES = ("sqlite", "postgresql-psycopg2", "postgresql-psycopg", "mariadb")
SERVERS = ("wsgi", "asgi")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A project on versions, a database with its driver, a web server, and who runs its jobs."""

    project: Project
    version: str
    database: str
    server: str
    executor: str

    @property
    def engine(self) -> str:
        return self.database.partition("-")[0]

    @property
    def driver(self) -> str:
        """The driver of PostgreSQL in the environment, which does no harm where it is not used."""
        return self.database.partition("-")[2] or "psycopg"

    def __str__(self) -> str:
        return f"{self.project.name}-{self.version}-{self.database}-{self.server}-{self.executor}"

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the pairs of this cell that must meet in some cell."""
        yield self.project.name, self.engine
        yield self.project.name, self.executor
        yield self.project.name, self.server
        yield from itertools.combinations((self.version, self.database, self.server, self.executor), 2)

    def wished(self) -> Iterator[tuple[str, str]]:
        """Yield further pairs that are worth a test if they cost no further cell."""
        yield self.project.name, self.version
        yield self.project.name, self.database


def possible_cells(projects: Iterable[Project] = SHELF) -> list[Cell]:
    """Every combination that exists."""
    return [
        cell
        for project in projects
        for version, database, server, executor in itertools.product(VERSIONS, DATABASES, SERVERS, project.executors)
        if (cell := Cell(project, version, database, server, executor)).engine in project.databases
    ]


def covering_cells(projects: Iterable[Project] = SHELF) -> list[Cell]:
    """A small set of cells with every pair in it; the same at each call."""
    candidates = possible_cells(projects)
    missing = {pair for cell in candidates for pair in cell.pairs()}
    wished = {pair for cell in candidates for pair in cell.wished()}
    chosen: list[Cell] = []
    while missing:
        best = max(
            candidates,
            key=lambda cell: (len(missing.intersection(cell.pairs())), len(wished.intersection(cell.wished()))),
        )
        chosen.append(best)
        missing.difference_update(best.pairs())
        wished.difference_update(best.wished())
    order = [project.name for project in SHELF]
    return sorted(chosen, key=lambda cell: (order.index(cell.project.name), str(cell)))
