"""Describe the tables and columns of a database, with the kinds of their values."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from ..core.manifest import ColumnRecord, TableRecord
from .engines.base import RawColumn, RawTable, Reading
from .fields import item_of_field, kind_of_field, stored_field
from .forms import Kind
from .history import History, columns_of

FOLDER: Final = "data"
ENDING: Final = ".ndjson"
_DEFAULT: Final = "default"


def describe(alias: str, reading: Reading, known: History) -> list[TableRecord]:
    """Return the records of all tables in the order of their names; rows, sizes and hashes are unknown yet (-1, "")."""
    models_of = model_tables(known)
    return [_describe(alias, reading, table, models_of.get(table.name)) for table in reading.tables()]


def model_tables(known: History) -> dict[str, type[models.Model]]:
    """Return the models of the tables that migrations make, with the table in which they are recorded."""
    return {**known.tables, MigrationRecorder.Migration._meta.db_table: MigrationRecorder.Migration}


def decimal_places(known: History) -> dict[tuple[str, str], int]:
    """Return the digits after the point of each decimal column, by table and column."""
    found = {}
    for table, model in model_tables(known).items():
        for column, field in columns_of(model).items():
            stored = stored_field(field)
            if isinstance(stored, models.DecimalField) and stored.decimal_places is not None:
                found[table, column] = stored.decimal_places
    return found


def member_path(alias: str, table: str) -> str:
    """Return the path of a table's lines in a package."""
    folder = FOLDER if alias == _DEFAULT else f"{FOLDER}/{quote(alias, safe='')}"
    return f"{folder}/{quote(table, safe='')}{ENDING}"


def _describe(alias: str, reading: Reading, table: RawTable, model: type[models.Model] | None) -> TableRecord:
    fields = {} if model is None else columns_of(model)
    places = {name: place for place, name in enumerate(fields)}
    # In the order of the model, since that in the database depends on the history of its changes. Others follow.
    stored = sorted(
        (column for column in table.columns if not column.generated),
        key=lambda column: places.get(column.name, len(places)),
    )
    keys = sorted((column for column in stored if column.key), key=lambda column: column.key)
    return TableRecord(
        name=table.name,
        path=member_path(alias, table.name),
        model="" if model is None else model._meta.label,
        columns=[_column(reading, table.name, column, fields.get(column.name)) for column in stored],
        key=[column.name for column in keys],
        rows=-1,
        size=-1,
        sha256="",
        counters=dict(reading.counters(table)),
    )


def _column(reading: Reading, table: str, column: RawColumn, field: models.Field[Any, Any] | None) -> ColumnRecord:
    kind = None if field is None else kind_of_field(field)
    item = "" if field is None else item_of_field(field) or ""
    if kind is None or not reading.admits(column, kind) or (kind is Kind.ARRAY and not item):
        kind, item = reading.kind_of(table, column)
    return ColumnRecord(name=column.name, kind=kind.value, type=column.type, nullable=column.nullable, item=str(item))
