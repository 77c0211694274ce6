"""Remove the sessions and tokens of a staged database, so that they are never live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db import connections, models, transaction

from ...errors import RestoreFailed
from ..journal import Component
from .models import BLACKLISTED, OUTSTANDING, access_models, references_to
from .staged_models import LIVE, STAGED, existing_models, model_named, models_in

_BATCH: Final = 500


def drop_access(component: Component, *, now: datetime) -> list[str]:
    """Remove all sessions and tokens from a staged database; revoke the signed tokens that it and the live one know.

    Returns lines for the user. Raises Django's database errors, and has then changed nothing; raises `RestoreFailed` if
    the rows exist again afterwards.
    """
    with models_in(component, component.staged, STAGED) as staged:
        lines: list[str] = []
        with transaction.atomic(using=staged):
            for model in existing_models(staged, access_models()):
                lines += _emptied(model, staged)
            if len(existing_models(staged, _signed())) == len(_SIGNED):
                lines += _revoked(component, staged, now=now)
        _require_empty(component, staged)
    return lines


def _require_empty(component: Component, staged: str) -> None:
    """Raise `RestoreFailed` if rows exist again after the transaction: a trigger of the package may put them back."""
    rows = {model: model._base_manager.using(staged).count() for model in existing_models(staged, access_models())}
    if left := [f"{model._meta.label} ({count:,})" for model, count in rows.items() if count]:
        raise RestoreFailed(
            f"Sessions and tokens cannot be removed from the restored database {component.name!r}: rows of"
            f" {', '.join(left)} are there again, by a trigger or rule of the backup. Nothing live was changed. Restore"
            " the backup into a new database, and read its triggers there."
        )


_SIGNED: Final = (OUTSTANDING, BLACKLISTED)


def _signed() -> list[type[Any]]:
    return [model for label in _SIGNED if (model := model_named(label)) is not None]


def _emptied(model: type[models.Model], staged: str) -> Iterator[str]:
    # By plain SQL: signal handlers of the project would take a deletion by the ORM for one in the live system.
    quote = connections[staged].ops.quote_name
    with connections[staged].cursor() as cursor:
        for other, field in references_to(model):
            if existing_models(staged, [other]):
                table, column = quote(other._meta.db_table), quote(str(field.column))
                cursor.execute(f"UPDATE {table} SET {column} = NULL WHERE {column} IS NOT NULL")  # noqa: S608  quoted
        table = quote(model._meta.db_table)
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
        (rows,) = cursor.fetchone() or (0,)
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    if rows:
        yield f"rows of {model._meta.label} that were removed from the restored database: {rows:,}"


def _revoked(component: Component, staged: str, *, now: datetime) -> Iterator[str]:
    """Blacklist all valid refresh tokens that the backup or the live database has given out."""
    outstanding, blacklisted = _signed()
    if component.had_live:
        with models_in(component, component.live, LIVE) as live:
            if existing_models(live, [outstanding]):
                _copy_outstanding_tokens(outstanding, staged, live, now=now)
    good = outstanding._base_manager.using(staged).filter(expires_at__gt=now, blacklistedtoken=None)
    keys = list(good.values_list("pk", flat=True))
    rows = [blacklisted(token_id=key, blacklisted_at=now) for key in keys]
    blacklisted._base_manager.using(staged).bulk_create(rows, batch_size=_BATCH)
    if keys:
        yield f"refresh tokens that were revoked in the restored database ({blacklisted._meta.label}): {len(keys):,}"


def _copy_outstanding_tokens(outstanding: type[Any], staged: str, live: str, *, now: datetime) -> None:
    """Add the tokens that were given out since the backup, without their users: their keys may differ there."""
    columns = ("jti", "token", "created_at", "expires_at")
    given_out = outstanding._base_manager.using(live).filter(expires_at__gt=now).values(*columns)
    known = set(outstanding._base_manager.using(staged).filter(expires_at__gt=now).values_list("jti", flat=True))
    rows = [outstanding(**one) for one in given_out.iterator(chunk_size=_BATCH) if one["jti"] not in known]
    outstanding._base_manager.using(staged).bulk_create(rows, batch_size=_BATCH)
