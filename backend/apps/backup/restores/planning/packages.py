"""Find the obstacles to restoring a package's rows into a database here, by reading each value before any change.

Obstacles are migrations that the code lacks, tables and columns that no migration makes, and values that this kind of
database cannot store: a text that is too long or has a NUL, a number with too many digits, a timestamp outside of its
calendar.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from django.conf import settings as project
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from ...core.manifest import DataRecord, Manifest, TableRecord
from ...portable.engines.base import ValueLimits
from ...portable.engines.registry import VALUE_LIMITS
from ...portable.errors import NotPortable
from ...portable.fields import kind_of_field, stored_field
from ...portable.forms import Kind, Row, is_type_name
from ...portable.history import History, columns_of, history
from ...portable.limits import Check, check_for
from ...portable.tables import model_tables
from ...sources.migrations import code_leaves, newer_code
from ..backup_source import Origin, Progress
from ..staging.package_tables import each_table

_MOST: Final = 20
"""Obstacles of one table that are listed at most; all of them are counted."""


@dataclasses.dataclass
class Obstacles:
    """The obstacles found. With an entry in `blocking`, the package cannot be restored as requested."""

    blocking: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def find_obstacles(origin: Origin, record: DataRecord, leave_out: frozenset[str], progress: Progress) -> Obstacles:
    """Compare a database of the package with the code and the database here: first its schema, then all values.

    The values are read only if the schema has no obstacle.
    """
    known = history(record.applied)
    found = _schema_obstacles(origin.manifest, record, known, leave_out)
    if not found.blocking:
        found.blocking += _value_obstacles(origin, record, known, leave_out, progress=progress)
    return found


def _schema_obstacles(manifest: Manifest, record: DataRecord, known: History, leave_out: frozenset[str]) -> Obstacles:
    found = Obstacles()
    tables, limits = model_tables(known), VALUE_LIMITS[connections[record.alias].vendor]
    _compare_migrations(found, manifest, record, known)
    if found.blocking:
        # Models of a state that the code cannot make cannot be compared.
        return found
    found.warnings += record.notes
    for table in record.tables:
        if table.name not in leave_out:
            _compare_table(found, record, table, tables.get(table.name), limits=limits)
    if limits.equal_texts and limits.vendor != record.engine:
        found.warnings += _equal_text_warnings(record, tables, limits.equal_texts)
    unknown = sorted(leave_out - {table.name for table in record.tables})
    found.blocking += [f"{name} is to be left out, but the package has no such table" for name in unknown]
    missing = sorted(set(tables) - {table.name for table in record.tables})
    if missing:
        found.warnings.append(f"the package has no rows for {', '.join(missing)}: they will be empty")
    if record.bare_moments and project.USE_TZ:
        found.warnings.append(
            f"moments in the package have no zone: they are taken to be of TIME_ZONE, {project.TIME_ZONE}"
        )
    return found


def _equal_text_warnings(record: DataRecord, tables: dict[str, type[models.Model]], equal_texts: str) -> list[str]:
    """Return a warning on unique columns for different texts that the database here treats as equal."""
    unique = [
        f"{table.name}.{column}"
        for table in record.tables
        if table.name in tables
        for column, field in columns_of(tables[table.name]).items()
        if field.unique and kind_of_field(field) is Kind.TEXT
    ]
    if not unique:
        return []
    shown = ", ".join(unique[:_MOST])
    return [
        f"{equal_texts}: if one of {shown} has such a pair, loading ends with its name, and nothing live is changed"
    ]


def _compare_migrations(found: Obstacles, manifest: Manifest, record: DataRecord, known: History) -> None:
    theirs, ours = manifest.project.code_migrations, code_leaves()
    # An app that is missing here has no models either: its tables are named one by one.
    lacking = [node for node in known.unknown if node[0] in theirs and node[0] in ours]
    differing = _differing_schema(record, known, {app for app, _ in lacking})
    newer = [node for node in lacking if node[0] in differing]
    if newer:
        names = [f"{app}.{name}" for app, name in newer[:_MOST]]
        tables = ", ".join(dict.fromkeys(table for app, _ in newer for table in differing[app]))
        found.blocking.append(f"{newer_code('package', names)}. These tables are other than here: {tables}")
    for app, name in lacking:
        if (app, name) not in newer:
            found.warnings.append(
                f"the package names the migration {app}.{name}, which the code does not have: its tables are the same"
                " without it, and its row in django_migrations is taken in as it is"
            )
    for app in sorted({app for app, _ in known.unknown} - set(theirs)):
        found.warnings.append(f"the package names migrations of {app!r}, an app that its own code had no more")
    for name in known.squashed:
        found.blocking.append(
            f"the package is in the middle of the squashed migration {name}, which the code cannot make; restore with"
            " the code of the package's time"
        )
    for app in sorted(set(ours) - set(record.applied) - set(known.state.real_apps)):
        found.warnings.append(f"the package does not know the app {app!r}: its tables will be as after a new migrate")


def _differing_schema(record: DataRecord, known: History, apps: set[str]) -> dict[str, list[str]]:
    """Return the tables of these apps that differ between the code and the package, by app.

    A migration of which only the name is left, such as one that was squashed and deleted, makes no difference.
    """
    models_of = {model._meta.label: (name, model) for name, model in known.tables.items()}
    packaged = {table.name: table for table in record.tables}
    found: dict[str, list[str]] = {}
    for table in record.tables:
        app = table.model.partition(".")[0]
        if app in apps and table.model not in models_of:
            found.setdefault(app, []).append(table.name)
    for label, (name, model) in models_of.items():
        app = label.partition(".")[0]
        if app not in apps:
            continue
        packaged_table = packaged.get(name)
        columns = (
            {} if packaged_table is None else {column.name: Kind(column.kind) for column in packaged_table.columns}
        )
        here = columns_of(model)
        if set(columns) != set(here) or any(
            kind_of_field(field) not in {columns[column], None} for column, field in here.items()
        ):
            found.setdefault(app, []).append(name)
    return found


def _compare_table(
    found: Obstacles, record: DataRecord, table: TableRecord, model: type[models.Model] | None, *, limits: ValueLimits
) -> None:
    if model is None and table.model:
        found.blocking.append(
            f"the table {table.name} of {table.model} has no model here; add its app to INSTALLED_APPS, or leave it out"
            f" (--leave-out {table.name})"
        )
        return
    if model is None:
        found.warnings.append(
            f"no model knows the table {table.name} ({table.rows:,} rows): where no migration makes it, it is made from"
            " its columns, without indexes, defaults and references"
        )
    fields = {} if model is None else columns_of(model)
    for column in table.columns:
        kind, field = Kind(column.kind), fields.get(column.name)
        where = f"{table.name}.{column.name}"
        if model is not None and field is None:
            found.warnings.append(f"no model knows the column {where}: where no migration makes it, it is left out")
        elif field is not None and kind_of_field(field) not in {kind, None}:
            found.blocking.append(
                f"{where} is {kind} in the package and {kind_of_field(field)} in the code's migrations"
            )
        if limits.vendor != record.engine and kind in {Kind.NATIVE, Kind.MIXED}:
            found.blocking.append(
                f"{where} is of the type {column.type or '(undeclared)'}, which only {record.engine} has;"
                f" --leave-out {table.name} goes on without the table"
            )
        elif model is None and not is_type_name(column.type):
            found.blocking.append(
                f"{where} is of the type {column.type[:100]!r}, which is no name of one: the package was not written by"
                f" this software, or --leave-out {table.name} goes on without the table"
            )
        elif kind is Kind.ARRAY and not limits.takes_arrays:
            found.blocking.append(
                f"{where} is an array, which {limits.vendor} has not; --leave-out {table.name} leaves it out"
            )


def _value_obstacles(
    origin: Origin, record: DataRecord, known: History, leave_out: frozenset[str], *, progress: Progress
) -> list[str]:
    models_of, connection = model_tables(known), connections[record.alias]
    checks = {
        table.path: _TableChecks(table, models_of.get(table.name), connection)
        for table in record.tables
        if table.name not in leave_out
    }
    left = set(checks)
    listed = {table.path for one in origin.manifest.data for table in one.tables}
    others: list[str] = []
    wanted = {path: one.table for path, one in checks.items()}
    for path, batches in each_table(origin, wanted, progress, others=others.append):
        left.remove(path)
        try:
            for rows in batches:
                checks[path].check(rows)
        except NotPortable as error:
            checks[path].add(str(error))
    added = [f"{path} is in the package, but its manifest does not list it" for path in others if path not in listed]
    absent = [f"{path} is listed in the manifest, but it is not in the package" for path in sorted(left)]
    return [*absent, *added, *(text for one in checks.values() for text in one.found())]


class _TableChecks:
    """The checks of the values of one table."""

    def __init__(self, table: TableRecord, model: type[models.Model] | None, connection: BaseDatabaseWrapper) -> None:
        self.table = table
        fields = {} if model is None else columns_of(model)
        self._checks: list[tuple[int, Check]] = []
        for place, column in enumerate(table.columns):
            field = fields.get(column.name)
            check = check_for(column, None if field is None else stored_field(field), connection)
            if check is not None:
                self._checks.append((place, check))
        self._found: dict[str, int] = {}

    def add(self, text: str) -> None:
        """Note an obstacle."""
        self._found[text] = self._found.get(text, 0) + 1

    def check(self, rows: Sequence[Row]) -> None:
        """Check some rows, and note their obstacles."""
        for place, check in self._checks:
            values = [row[place] for row in rows if row[place] is not None]
            if check.all_fit(values):
                continue
            for value in values:
                if reason := check.reason(value):
                    self.add(f"{self.table.name}.{self.table.columns[place].name}: {reason}")

    def found(self) -> Iterator[str]:
        """Yield the obstacles, each with the number of its rows."""
        for text, times in list(self._found.items())[:_MOST]:
            yield text if times == 1 else f"{text} ({times:,} rows)"
        if len(self._found) > _MOST:
            yield f"{self.table.name}: {len(self._found) - _MOST} obstacles more"
