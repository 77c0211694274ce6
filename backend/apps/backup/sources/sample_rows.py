"""Read a sample of each column of text: the values of the oldest and of the newest rows of each table.

Uses its own connection, one query with a limit for each end of a table, and a time limit if the database has one. A
table that the database refuses, or does not read in time, is named and raises no error.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.db import models
from django.db.utils import Error as DatabaseFailure

from .engines.registry import DATABASE_ENGINES, engine_of
from .errors import SourceRefused

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

ROWS: Final = 500
"""The number of the oldest rows, and of the newest rows, that are read of a table."""
LONGEST: Final = 1000
"""Characters of the longest value that is read: longer ones are no paths."""
LONGEST_JSON: Final = 16_000
"""Characters of the longest JSON value, which may be a list of paths, also in a column of text."""
_TABLE_SECONDS: Final = 5
_ALL_SECONDS: Final = 60.0
_OF_DJANGO: Final = frozenset({"admin", "auth", "contenttypes", "sessions", "migrations"})
_TEXTS: Final = (models.CharField, models.TextField, models.FilePathField, models.JSONField)
_NO_PATHS: Final = (models.URLField, models.EmailField, models.SlugField)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of text of a model of the project. Values of an array are read as JSON."""

    label: str
    column: str
    is_json: bool = False
    is_array: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table with such columns. `key` are the columns of its primary key, `files` those of its FileFields.

    `is_near_files`: rows with files refer to its rows.
    """

    model: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    files: tuple[str, ...] = ()
    is_near_files: bool = False


@dataclasses.dataclass
class Samples:
    """Values by column, without duplicates, and the tables that could not be read as (model, reason)."""

    values: dict[Column, list[str]] = dataclasses.field(default_factory=dict)
    unread: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def text_tables(*, without: frozenset[str]) -> list[Table]:
    """Return the tables of the project with a column of text, without those of Django and of the apps in `without`."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy or meta.app_label in _OF_DJANGO | without:
            continue
        columns = tuple(filter(None, map(_column, meta.local_concrete_fields)))
        # From Django 5.2 on, a key may have several columns.
        keys: Sequence[models.Field[object, object]] = getattr(meta, "pk_fields", None) or [meta.pk]
        if columns:
            key, files = tuple(str(one.column) for one in keys), _file_columns(model)
            found.append(Table(meta.label, meta.db_table, key, columns, files, _is_near_files(model)))
    return found


def _file_columns(model: type[models.Model]) -> tuple[str, ...]:
    fields = model._meta.local_concrete_fields
    return tuple(str(field.column) for field in fields if isinstance(field, models.FileField))


def _is_near_files(model: type[models.Model]) -> bool:
    """Return whether models with files refer to this one. References to such models do not count (a user's picture)."""
    pointing = [one.related_model for one in model._meta.related_objects]
    return any(isinstance(other, type) and other is not model and _file_columns(other) for other in pointing)


def _column(field: models.Field[object, object]) -> Column | None:
    """Return the column of a field, or None if its values are no texts that could be paths."""
    # An array of PostgreSQL has a field for its items.
    item = getattr(field, "base_field", field)
    if not isinstance(item, _TEXTS) or isinstance(item, _NO_PATHS) or item.choices or field.choices:
        return None
    is_array = item is not field
    label = f"{field.model._meta.label}.{field.name}"
    return Column(label, str(field.column), is_array or isinstance(field, models.JSONField), is_array)


def sample(alias: str, tables: Sequence[Table]) -> Samples:
    """Read values of those tables that this database has.

    If a row, or a row that refers to it, has a file, then a file name without a folder is the document's original name:
    such values are left out.
    """
    samples = Samples()
    deadline = time.monotonic() + _ALL_SECONDS
    try:
        with engine_of(alias).open_sample(alias, _TABLE_SECONDS) as wrapper, wrapper.cursor() as cursor:
            existing = set(wrapper.introspection.table_names(cursor, include_views=True))
            for table in [one for one in tables if one.name in existing]:
                if time.monotonic() > deadline:
                    samples.unread.append((table.model, "reading the other tables took too long"))
                    continue
                _sample_table(wrapper, cursor, table, samples)
    except SourceRefused:
        # A database in memory, or no database: it is not backed up, which other checks report.
        return samples
    except (DatabaseFailure, OSError) as error:
        samples.unread.append((f"database {alias}", _one_line(error)))
    return samples


def _sample_table(wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, table: Table, samples: Samples) -> None:
    try:
        with DATABASE_ENGINES[wrapper.vendor].limited(wrapper, cursor, _TABLE_SECONDS):
            # While a migration is not applied, the model has columns that the table lacks.
            described = {column.name for column in wrapper.introspection.get_table_description(cursor, table.name)}
            columns = [one for one in table.columns if one.column in described]
            if not columns or not described >= set(table.key):
                return
            table = dataclasses.replace(table, files=tuple(one for one in table.files if one in described))
            rows = [row for end in ("DESC", "ASC") for row in _read_end(wrapper, cursor, table, columns, end)]
    except DatabaseFailure as error:
        samples.unread.append((table.model, _one_line(error)))
        return
    for place, column in enumerate(columns):
        values = dict.fromkeys((str(row[place]), table.is_near_files or bool(row[-1])) for row in rows if row[place])
        wanted = (value for value, has_file in values if "/" in value or not has_file or "." not in value)
        samples.values[column] = list(dict.fromkeys(wanted))


def _read_end(
    wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, table: Table, columns: Sequence[Column], end: str
) -> list[tuple[object, ...]]:
    quote = wrapper.ops.quote_name
    chosen = ", ".join(
        _short(wrapper, f"to_json({quote(one.column)})" if one.is_array else quote(one.column)) for one in columns
    )
    quoted = [quote(one) for one in table.files]
    has_file = " OR ".join(f"({one} IS NOT NULL AND {one} <> '')" for one in quoted)
    chosen += f", CASE WHEN {has_file} THEN 1 ELSE 0 END" if quoted else ", 0"
    order = ", ".join(f"{quote(key)} {end}" for key in table.key)
    cursor.execute(f"SELECT {chosen} FROM {quote(table.name)} ORDER BY {order} LIMIT {ROWS}")  # noqa: S608  quoted
    return [tuple(row) for row in cursor.fetchall()]


def _short(wrapper: BaseDatabaseWrapper, column: str) -> str:
    """Return an SQL expression for a value as text, null for a long one, whose length is known without reading it."""
    text, measured = DATABASE_ENGINES[wrapper.vendor].as_text(column)
    return (
        f"CASE WHEN {measured} <= {LONGEST} THEN {text}"
        f" WHEN {measured} <= {LONGEST_JSON} AND substr({text}, 1, 1) IN ('[', '{{') THEN {text} END"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
