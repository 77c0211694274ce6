"""Compare the access that a restore would bring back: accounts, sessions and tokens of the restored database.

The staged database is compared with the live one before the swap. The notes name the differences, and the parts that
could not be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import models
from django.db.utils import Error as DatabaseFailure

from ...errors import RestoreFailed, SettingsInvalid
from ..journal import DATABASES, Component
from .accounts import account_gains
from .drop import drop_access
from .models import BLACKLISTED, access_models, account_model
from .staged_models import LIVE, STAGED, batches, existing_models, model_named, models_in
from .triggers import unknown_triggers


def compare_access(components: Sequence[Component], *, now: datetime, tokens: bool) -> list[str]:
    """Compare staged databases with the live ones, and return lines for the user. `tokens`: also sessions and tokens.

    A database that cannot be read is named in a line; no error is raised.
    """
    lines: list[str] = []
    for component in components:
        if component.kind in DATABASES:
            try:
                lines += _compared(component, now=now, tokens=tokens)
            except (DatabaseFailure, SettingsInvalid) as error:
                lines.append(
                    f"who gets in after the restore of the database {component.name!r} was not compared with who gets"
                    f" in now: {str(error).strip()}"
                )
    return lines


def remove_access(components: Sequence[Component], *, now: datetime) -> list[str]:
    """Remove the sessions and tokens of staged databases, and return lines for the user. Raises `RestoreFailed`."""
    lines: list[str] = []
    for component in components:
        if component.kind in DATABASES:
            try:
                lines += drop_access(component, now=now)
            except (DatabaseFailure, SettingsInvalid) as error:
                raise RestoreFailed(
                    f"Sessions and tokens cannot be removed from the restored database {component.name!r}:"
                    f" {str(error).strip()}. Nothing live was changed. Restore with --keep-access, and remove them"
                    " afterwards."
                ) from error
    return lines


def _compared(component: Component, *, now: datetime, tokens: bool) -> Iterator[str]:
    users = account_model()
    with models_in(component, component.staged, STAGED) as staged:
        accounts = existing_models(staged, [] if users is None else [users])
        entries = existing_models(staged, access_models()) if tokens else []
        if not accounts and not entries:
            return
        if not component.had_live:
            yield f"there is no live database {component.name!r}: accounts, sessions and tokens come back as they were"
            return
        with models_in(component, component.live, LIVE) as live:
            for model in accounts:
                yield from _accounts(model, staged, live)
            for model in entries:
                yield from _entries(model, staged, live, now=now)
            if existing_models(live, accounts or entries):
                yield from unknown_triggers(staged, live)
            if tokens:
                yield from _revoked(staged, live, now=now)


def _accounts(model: type[Any], staged: str, live: str) -> Iterator[str]:
    if existing_models(live, [model]):
        yield from account_gains(model, staged, live)
    else:
        yield f"there are no accounts now ({model._meta.label}): those of the backup come back as they were"


def _entries(model: type[models.Model], staged: str, live: str, *, now: datetime) -> Iterator[str]:
    """Yield lines on sessions or tokens that come back."""
    rows = _unexpired(model, staged, now)
    here = existing_models(live, [model])
    back = 0
    for keys in batches(rows.values_list("pk", flat=True)):
        still = _unexpired(model, live, now).filter(pk__in=keys).count() if here else 0
        back += len(keys) - still
    if back:
        yield f"rows of {model._meta.label} that let in again, and were ended or deleted since: {back:,}"


def _revoked(staged: str, live: str, *, now: datetime) -> Iterator[str]:
    """Yield lines on signed tokens that were revoked since the backup: a restore removes that revocation."""
    model = model_named(BLACKLISTED)
    if model is None or not existing_models(live, [model]) or not existing_models(staged, [model]):
        return
    ids = model._base_manager.using(live).filter(token__expires_at__gt=now).values_list("token__jti", flat=True)
    forgotten = 0
    for batch in batches(ids):
        forgotten += len(batch) - model._base_manager.using(staged).filter(token__jti__in=batch).count()
    if forgotten:
        yield f"refresh tokens that are accepted again, and were revoked since ({model._meta.label}): {forgotten:,}"


def _unexpired(model: type[models.Model], alias: str, now: datetime) -> models.QuerySet[Any]:
    rows = model._base_manager.using(alias)
    ends = next((f.name for f in model._meta.concrete_fields if f.name in {"expire_date", "expiry", "expires"}), None)
    if ends is None:
        return rows.all()
    return rows.filter(models.Q(**{f"{ends}__gt": now}) | models.Q(**{f"{ends}__isnull": True}))
