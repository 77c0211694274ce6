"""Find accounts that would gain rights by a restore."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.contrib.auth.models import Permission
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField

from ...core.paths import first_of, one_line
from .staged_models import batches

_SHOWN: Final = 20
_RIGHTS_SHOWN: Final = 3
_OWN: Final = ("is_active", "is_superuser", "is_staff")
_KINDS: Final[Mapping[str, str]] = {
    "active": "accounts that are active again",
    "superuser": "accounts that become superusers",
    "staff": "accounts that become staff",
    "rights": "accounts that get rights which they do not have now",
    "flags": "accounts with a mark that they do not have now",
    "password": "accounts whose password is another one than now",
    "email": "accounts with another e-mail address, to which a new password can be sent",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Account:
    """The rights of an account by Django's own fields.

    `flags` are other boolean fields that are true: a user model of the project may have `is_admin`.
    """

    password: str
    is_active: bool
    is_superuser: bool
    is_staff: bool
    rights: frozenset[str]
    flags: frozenset[str]
    email: str


_NOBODY: Final = _Account("", False, False, False, frozenset(), frozenset(), "")


def account_gains(model: type[Any], staged: str, live: str) -> Iterator[str]:
    """Yield one line for each kind of right that accounts would gain by a restore.

    `staged` and `live` are aliases of databases that both have the model's table. Raises Django's database errors.
    """
    found: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for names in batches(model._base_manager.using(staged).values_list(model.USERNAME_FIELD, flat=True)):
        before = _read(model, live, names)
        for name, account in _read(model, staged, names).items():
            for kind, about in _gained(account, before.get(name)):
                found[kind].append(one_line(str(name)) + about)
    for kind, names in found.items():
        if names:
            yield f"{_KINDS[kind]} ({len(names):,}): {first_of(names, count=len(names), most=_SHOWN)}"


def _gained(after: _Account, before: _Account | None) -> Iterator[tuple[str, str]]:
    """Yield the kinds of gain of one account, each with a text."""
    if not after.is_active:
        return
    was = before if before is not None and before.is_active else _NOBODY
    if not was.is_active:
        yield "active", "" if before is not None else " (not there now)"
    if after.is_superuser and not was.is_superuser:
        yield "superuser", ""
    if after.is_staff and not was.is_staff:
        yield "staff", ""
    rights = sorted(after.rights - was.rights)
    if rights and not was.is_superuser:
        yield "rights", f" ({first_of(rights, count=len(rights), most=_RIGHTS_SHOWN)})"
    if flags := sorted(after.flags - was.flags):
        yield "flags", f" ({first_of(flags, count=len(flags), most=_RIGHTS_SHOWN)})"
    if was.is_active and after.password != was.password:
        yield "password", ""
    if was.is_active and after.email and after.email != was.email:
        yield "email", ""


def _read(model: type[Any], alias: str, names: Sequence[Any]) -> dict[Any, _Account]:
    """Return the accounts of these names."""
    email = str(getattr(model, "get_email_field_name", str)())
    flags = [f.name for f in model._meta.concrete_fields if isinstance(f, BooleanField) and f.name not in _OWN]
    columns = [name for name in ("password", email, *_OWN) if _has_column(model, name)]
    rows = model._base_manager.using(alias).filter(**{f"{model.USERNAME_FIELD}__in": names})
    found = list(rows.order_by("pk").values(model.USERNAME_FIELD, "pk", *columns, *flags))
    rights = _rights(model, alias, [row["pk"] for row in found])
    return {
        row[model.USERNAME_FIELD]: _Account(
            password=str(row.get("password", "")),
            # Without this field, all accounts are active.
            is_active=bool(row.get("is_active", True)),
            is_superuser=bool(row.get("is_superuser", False)),
            is_staff=bool(row.get("is_staff", False)),
            rights=rights.get(row["pk"], frozenset()),
            flags=frozenset(name for name in flags if row[name]),
            email=str(row.get(email) or ""),
        )
        for row in found
    }


def _rights(model: type[Any], alias: str, keys: Sequence[Any]) -> dict[Any, frozenset[str]]:
    """Return the permissions of each account, its own and those of its groups."""
    found: dict[Any, set[str]] = {}
    for way in ("user_permissions", "groups__permissions"):
        if not _leads_to_permissions(model, way.partition("__")[0]):
            continue
        columns = ("pk", f"{way}__content_type__app_label", f"{way}__codename")
        for key, label, codename in model._base_manager.using(alias).filter(pk__in=keys).values_list(*columns):
            if codename is not None:
                found.setdefault(key, set()).add(f"{label}.{codename}")
    return {key: frozenset(rights) for key, rights in found.items()}


def _leads_to_permissions(model: type[Any], name: str) -> bool:
    try:
        target = model._meta.get_field(name).related_model
    except FieldDoesNotExist:
        return False
    return target is Permission or (name == "groups" and hasattr(target, "permissions"))


def _has_column(model: type[Any], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)
