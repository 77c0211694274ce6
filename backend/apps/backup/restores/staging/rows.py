"""Load databases in portable form into new databases beside the live ones.

Empty database → migrated to the package's newest migrations → filled with its rows → references and constraints
checked → each row read back and compared → migrated forward to the code. Content types and permissions keep the keys
that they have in the package, so that all references to them, also keys within texts, stay correct.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ...core.manifest import DataRecord, TableRecord
from ...core.processes import command_line
from ...errors import RestoreFailed
from ...portable.canonical import RowDigest
from ...portable.engines.base import RawTable, convert_columns
from ...portable.forms import Kind, Row
from ...portable.history import History, history
from ...portable.rows import read_all
from ...sources.engines.opened_rows import timestamps_in
from ...sources.streams import describe_exit
from ..backup_source import Origin, Progress
from ..engines.fill_base import Filling, Scratch
from ..engines.registry import engine_of
from .package_tables import each_table

_LAST_WORDS: Final = 4000


@dataclass
class Target:
    """One database of a package, and the new database for it, a name or a path."""

    record: DataRecord
    place: str
    known: History = field(init=False)

    def __post_init__(self) -> None:
        self.known = history(self.record.applied)


def load(
    origin: Origin,
    targets: Sequence[Target],
    *,
    leave_out: frozenset[str],
    progress: Progress,
    phase: Callable[[str], None],
) -> list[str]:
    """Fill the new databases, and return notes for the user. Raises `RestoreFailed`, and errors of the package."""
    phase("migrating to the package's state")
    _migrate([(target, target.known.targets) for target in targets])
    phase("loading rows")
    with contextlib.ExitStack() as stack:
        loads = [_Load(target, stack.enter_context(_filling(target)), leave_out) for target in targets]
        _insert_rows(origin, loads, progress)
        for one in loads:
            phase(f"checking the database {one.target.record.alias}")
            one.finish()
    phase("migrating to the code's state")
    _migrate([(target, None) for target in targets])
    return [note for one in loads for note in one.notes]


def _filling(target: Target) -> contextlib.AbstractContextManager[Filling]:
    alias = target.record.alias
    timestamps = timestamps_in(alias, bare=target.record.bare_moments)
    return engine_of(alias).fill(Scratch(alias, target.place, target.known, timestamps, target.record.engine))


def _insert_rows(origin: Origin, loads: Sequence[_Load], progress: Progress) -> None:
    tables = {path: table for one in loads for path, table in one.tables.items()}
    missing = set(tables)
    for path, batches in each_table(origin, {path: table.package for path, table in tables.items()}, progress):
        missing.remove(path)
        for rows in batches:
            tables[path].insert(rows)
    if missing:
        raise RestoreFailed(f"{min(missing)} is not in the package, although its manifest lists it; take another one.")


class _Table:
    """One table while it is filled. `columns` are the positions of the columns that the database here has.

    `ours` is True for a table that no migration makes, and that the restore created.
    """

    def __init__(self, package: TableRecord, here: RawTable, filling: Filling, *, foreign: bool, ours: bool) -> None:
        self.package = package
        types = {column.name: column for column in here.columns if not column.generated}
        self.columns = [place for place, column in enumerate(package.columns) if column.name in types]
        chosen = [package.columns[place] for place in self.columns]
        for column in chosen:
            # In a table that the restore created, a type that does not exist here became text.
            if not ours and not filling.reading.admits(types[column.name], Kind(column.kind)):
                raise RestoreFailed(
                    f"The column {column.name} of the table {here.name} is {types[column.name].type} here, which takes"
                    f" no {column.kind} of the package. Nothing live was changed."
                )
        # The types of this database, with the order and the key of the package.
        columns = [msgspec.structs.replace(column, type=types[column.name].type) for column in chosen]
        self.here = msgspec.structs.replace(package, columns=columns)
        self.absent = [column.name for column in package.columns if column.name not in types]
        self.foreign = foreign
        self.digest = RowDigest(self.here, normal=foreign)
        self._writing = filling.writing
        self._converters = filling.writing.converters(self.here)

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert rows of the package."""
        if len(self.columns) < len(self.package.columns):
            rows = [tuple(row[place] for place in self.columns) for row in rows]
        self.digest.add(rows)
        try:
            cells = convert_columns(rows, self._converters)
        except (ValueError, TypeError, KeyError) as error:
            raise RestoreFailed(
                f"{self.package.path} has a value that the table {self.here.name} cannot take in: {error}. Nothing live"
                " was changed."
            ) from error
        self._writing.insert(self.here, cells)


class _Load:
    """One database while it is filled. `tables` are the tables to fill, by their path in the package."""

    def __init__(self, target: Target, filling: Filling, leave_out: frozenset[str]) -> None:
        self.target = target
        self.notes: list[str] = []
        self.tables: dict[str, _Table] = {}
        self._filling = filling
        wanted = [table for table in target.record.tables if table.name not in leave_out]
        made_here = self._make_missing(wanted)
        here = {table.name: table for table in filling.reading.tables()}
        filling.begin(here.values())
        foreign = filling.reading.name != target.record.engine
        for table in wanted:
            ours = table.name in made_here
            self.tables[table.path] = made = _Table(table, here[table.name], filling, foreign=foreign, ours=ours)
            self.notes += [
                f"the column {table.name}.{name} was left out: no migration makes it" for name in made.absent
            ]
        self.notes += [f"the table {name} was left out, as asked" for name in sorted(leave_out)]

    def _make_missing(self, wanted: Sequence[TableRecord]) -> set[str]:
        made = set()
        here = {table.name for table in self._filling.reading.tables()}
        for table in wanted:
            if table.name in here:
                continue
            if table.model:
                raise RestoreFailed(
                    f"The table {table.name} of {table.model} is in the package, and the code has not made it. Nothing"
                    " live was changed."
                )
            self._filling.create(table)
            made.add(table.name)
            self.notes.append(f"the table {table.name}, which no model knows, was made from its rows alone")
        return made

    def finish(self) -> None:
        """Let the database check the rows, then read each of them back. Raises `RestoreFailed`."""
        counters = {one.here.name: one.package.counters for one in self.tables.values() if one.package.counters}
        self.notes += self._filling.finish(counters)
        for one in self.tables.values():
            found = RowDigest(one.here, normal=one.foreign)
            read_all(self._filling.reading.batches(one.here), found.add)
            if (found.rows, found.hexdigest()) != (one.digest.rows, one.digest.hexdigest()):
                raise RestoreFailed(
                    f"The table {one.here.name} has not come back as it was ({found.rows} rows, in the package"
                    f" {one.digest.rows}). Nothing live was changed."
                )


def _migrate(steps: Sequence[tuple[Target, list[tuple[str, str]] | None]]) -> None:
    """Migrate the new databases in a separate process. Raises `RestoreFailed` with its output."""
    asked = [{"alias": target.record.alias, "place": target.place, "targets": targets} for target, targets in steps]
    arguments, environment = command_line("backup_migrate_scratch", environment=os.environ)
    done = subprocess.run(
        arguments, env=environment, input=msgspec.json.encode(asked), capture_output=True, check=False
    )
    if done.returncode != 0:
        output = done.stderr[-_LAST_WORDS:].decode("utf-8", "replace").strip()
        raise RestoreFailed(
            f"The database beside the live one cannot be migrated ({describe_exit(done.returncode)}): {output}. Nothing"
            " live was changed."
        )
