"""What stands between a package's rows and a database here: said before anything is touched, from reading every value.

Migrations that the code lacks, tables and columns that nobody makes, and values that this kind of database has no place
for: a text that is too long or holds a NUL, a number with too many digits, a moment outside of its calendar.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.conf import settings as project
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..manifest import ColumnRecord, DataRecord, Manifest, TableRecord
from ..portable.canonical import normal_json
from ..portable.engines.sqlite import DIGITS
from ..portable.errors import NotPortable
from ..portable.fields import kind_of_field, stored_field
from ..portable.forms import Kind, Row
from ..portable.history import History, columns_of, history
from ..portable.rows import read_rows
from ..portable.tables import FOLDER, modelled
from ..sources.migrations import code_leaves
from .origin import Origin, Progress

_MOST: Final = 20
"""Obstacles of one table that are listed; all of them are counted."""
_LONGEST: Final = (1 << 63) - 1

Check = Callable[[Any], str]
"""What keeps a value, which is not None, from being stored; "" for nothing."""


@dataclasses.dataclass
class Obstacles:
    """What was found. With anything in `blocking` the package cannot be taken in as asked."""

    blocking: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def look_at_schema(manifest: Manifest, record: DataRecord, leave_out: frozenset[str]) -> Obstacles:
    """Compare a database of the package with the code and with the kind of database here; no value is read."""
    found = Obstacles()
    known = history(record.applied)
    _compare_migrations(found, manifest, record, known)
    if found.blocking:
        # The models of a state that cannot be made say nothing.
        return found
    tables, engine = modelled(known), connections[record.alias].vendor
    for table in record.tables:
        if table.name not in leave_out:
            _compare_table(found, record, table, tables.get(table.name), engine=engine)
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


def _compare_migrations(found: Obstacles, manifest: Manifest, record: DataRecord, known: History) -> None:
    theirs, ours = manifest.project.code_migrations, code_leaves()
    # Of an app that is not here at all there are no models either: its tables are named one by one.
    lacking = [node for node in known.unknown if node[0] in theirs and node[0] in ours]
    if lacking:
        shown = ", ".join(f"{app}.{name}" for app, name in lacking[:_MOST])
        found.blocking.append(
            f"the package is of a newer state of the application: the code here does not have {shown}; install the"
            " version of the application that has them, and restore with that"
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


def _compare_table(
    found: Obstacles, record: DataRecord, table: TableRecord, model: type[models.Model] | None, *, engine: str
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
        if engine != record.engine and kind in {Kind.NATIVE, Kind.MIXED}:
            found.blocking.append(
                f"{where} is of the type {column.type or 'that nobody declared'}, which only {record.engine} has;"
                f" --leave-out {table.name} goes on without the table"
            )
        elif kind is Kind.ARRAY and engine != "postgresql":
            found.blocking.append(
                f"{where} is an array, which {engine} has not; --leave-out {table.name} leaves it out"
            )


def look_at_values(origin: Origin, record: DataRecord, leave_out: frozenset[str], progress: Progress) -> list[str]:
    """Read every value of a database; what keeps one from being stored here."""
    known, connection = modelled(history(record.applied)), connections[record.alias]
    checks = {
        table.path: _Checks(table, known.get(table.name), connection)
        for table in record.tables
        if table.name not in leave_out
    }
    left = set(checks)
    done = files = 0
    with origin.members(FOLDER.encode()) as members:
        for path, content in members:
            if path not in checks:
                continue
            table = checks[path].table
            try:
                for rows in read_rows(table, content):
                    checks[path].look(rows)
                    progress(files, done)
            except NotPortable as error:
                checks[path].add(str(error))
            left.discard(path)
            done, files = done + table.size, files + 1
            progress(files, done)
    absent = [f"{path} is listed in the manifest, but it is not in the package" for path in sorted(left)]
    return [*absent, *(text for one in checks.values() for text in one.found())]


class _Checks:
    """The values of one table."""

    def __init__(self, table: TableRecord, model: type[models.Model] | None, connection: BaseDatabaseWrapper) -> None:
        self.table = table
        fields = {} if model is None else columns_of(model)
        self._checks: list[tuple[int, Check]] = []
        for place, column in enumerate(table.columns):
            field = fields.get(column.name)
            check = _check_for(column, None if field is None else stored_field(field), connection)
            if check is not None:
                self._checks.append((place, check))
        self._found: dict[str, int] = {}

    def add(self, text: str) -> None:
        """Note an obstacle."""
        self._found[text] = self._found.get(text, 0) + 1

    def look(self, rows: Sequence[Row]) -> None:
        """Look at some rows."""
        for place, check in self._checks:
            for row in rows:
                value = row[place]
                if value is not None and (reason := check(value)):
                    self.add(f"{self.table.name}.{self.table.columns[place].name}: {reason}")

    def found(self) -> Iterator[str]:
        """What there is to say, with how often."""
        for text, times in list(self._found.items())[:_MOST]:
            yield text if times == 1 else f"{text} ({times:,} rows)"
        if len(self._found) > _MOST:
            yield f"{self.table.name}: {len(self._found) - _MOST} obstacles more"


def _check_for(
    column: ColumnRecord, field: models.Field[Any, Any] | None, connection: BaseDatabaseWrapper
) -> Check | None:
    kind, engine = Kind(column.kind), connection.vendor
    if kind is Kind.INTEGER:
        return None if field is None else _integer_check(field, connection)
    if kind in _CALENDAR:
        return _calendar_check(_CALENDAR[kind], engine)
    makers: dict[Kind, Callable[[], Check | None]] = {
        Kind.TEXT: lambda: _text_check(field, engine),
        Kind.FLOAT: lambda: _float_check(engine),
        Kind.DECIMAL: lambda: _decimal_check(field, engine),
        Kind.DURATION: lambda: _duration_check(engine),
        Kind.JSON: lambda: _json_check(engine),
    }
    return makers[kind]() if kind in makers else None


def _text_check(field: models.Field[Any, Any] | None, engine: str) -> Check | None:
    longest = None if field is None else field.max_length
    if engine == "sqlite" or (engine == "mysql" and longest is None):
        # SQLite takes any length and any character; MariaDB's scratch databases are made with all of Unicode.
        return None
    limit = longest if isinstance(field, models.CharField) else None

    def check(text: str) -> str:
        if engine == "postgresql" and "\0" in text:
            return "holds a NUL character, which PostgreSQL has not"
        if limit is not None and len(text) > limit:
            return f"has more than {limit} characters"
        return ""

    return check


def _integer_check(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Check | None:
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    if low is None or high is None:
        low, high = -_LONGEST - 1, _LONGEST

    def check(number: int) -> str:
        return "" if low <= number <= high else f"is outside of {low} to {high}"

    return check


def _float_check(engine: str) -> Check | None:
    if engine == "postgresql":
        return None

    def check(number: float | str) -> str:
        if number == "NaN" or (isinstance(number, str) and engine == "mysql"):
            return f"is {number}, which {engine} has not"
        return ""

    return check


def _decimal_check(field: models.Field[Any, Any] | None, engine: str) -> Check:
    digits = field.max_digits if isinstance(field, models.DecimalField) else None
    places = field.decimal_places if isinstance(field, models.DecimalField) else None

    def check(text: str) -> str:
        number = decimal.Decimal(text)
        if not number.is_finite():
            return "" if engine == "postgresql" else f"is {text}, which {engine} has not"
        _, all_digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101  it is finite
        significant = len("".join(map(str, all_digits)).strip("0"))
        if engine == "sqlite":
            return f"has {significant} digits; SQLite keeps {DIGITS}" if significant > DIGITS else ""
        whole = max(0, number.adjusted() + 1) if number else 0
        if digits is not None and places is not None and (whole > digits - places or -exponent > places):
            return f"does not fit into {digits} digits with {places} after the point"
        return ""

    return check


_CALENDAR: Final[dict[Kind, Callable[[str], object]]] = {
    Kind.DATE: datetime.date.fromisoformat,
    Kind.TIME: datetime.time.fromisoformat,
    Kind.DATETIME: datetime.datetime.fromisoformat,
}


def _calendar_check(parse: Callable[[str], object], engine: str) -> Check | None:
    if engine == "postgresql":
        # It takes more than Python's calendar has.
        return None

    def check(text: str) -> str:
        try:
            parse(text)
        except ValueError:
            return f"is {text[:40]!r}, which {engine} has not"
        return ""

    return check


def _duration_check(engine: str) -> Check | None:
    if engine == "postgresql":
        return None

    def check(microseconds: int | str) -> str:
        if isinstance(microseconds, str):
            return f"is {microseconds!r}, which {engine} has not"
        return "" if abs(microseconds) <= _LONGEST else f"is longer than {engine} can count in microseconds"

    return check


def _json_check(engine: str) -> Check:
    def check(text: str) -> str:
        try:
            normal_json(text)
        except NotPortable as error:
            return str(error)
        if engine == "postgresql" and "\\u0000" in text.replace("\\\\", ""):
            return "holds a NUL character, which PostgreSQL has not"
        return ""

    return check
