"""Use Django's models in a database outside of the settings: the staged one, or the live one by another connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.apps import apps
from django.db import connections, models

from ..engines.contract import ServerEngine
from ..engines.registry import database_engine, engine_of
from ..journal import Component

STAGED: Final = "edms-backup-staged"
LIVE: Final = "edms-backup-live"
_BATCH: Final = 500


@contextlib.contextmanager
def models_in(component: Component, place: str, name: str) -> Iterator[str]:
    """Open the database `place` of a component, and yield `name`, the alias for `QuerySet.using`.

    Routers are not asked and settings are not changed. The connection is closed at the end and leaves no side files. In
    the live database it waits only some seconds for locks of other sessions, and then raises the server's error.
    """
    engine = database_engine(component)
    with engine.connect(component, place) as wrapper:
        if place == component.live:
            with wrapper.cursor() as cursor:
                engine.wait_briefly(cursor)
        wrapper.alias = name
        connections[name] = wrapper
        try:
            yield name
        finally:
            del connections[name]


@contextlib.contextmanager
def models_now(alias: str) -> Iterator[str]:
    """Open the live database of an alias, and yield the alias for `QuerySet.using`; waits as `models_in` does."""
    engine = engine_of(alias)
    if not isinstance(engine, ServerEngine):
        yield alias
        return
    component = engine.live_component(alias)
    with models_in(component, component.live, LIVE) as live:
        yield live


def existing_models(alias: str, chosen: Iterable[type[models.Model]]) -> list[type[models.Model]]:
    """Return the models that have a table in the database, or a view in its place.

    A hostile package may contain a view: the application finds it as a table, and a search among the tables does not.
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        existing = frozenset(connection.introspection.table_names(cursor, include_views=True))
    normalized = engine_of(alias).normalized_names
    names = normalized(existing)
    return [model for model in chosen if normalized([model._meta.db_table]) <= names]


def batches(values: models.QuerySet[Any, Any]) -> Iterator[list[Any]]:
    """Yield values in the order of the keys, in lists as long as one query may name."""
    batch: list[Any] = []
    for value in values.order_by("pk").iterator(chunk_size=_BATCH):
        batch.append(value)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def model_named(label: str) -> type[models.Model] | None:
    """Return the model `app.Model`, or the project's replacement for it; None if the project has none."""
    try:
        model = apps.get_model(label)
        return apps.get_model(model._meta.swapped) if model._meta.swapped else model
    except (LookupError, ValueError):
        return None
