"""Plan the effects of a restore on accounts, sessions and tokens, and whether sessions and tokens are removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.utils import Error as DatabaseFailure

from ...backups.references import BackupRef
from ...core.manifest import Manifest
from ...errors import SettingsInvalid
from ...sources.project_facts import same_secret
from ..access.models import BLACKLISTED, access_elsewhere, access_models, account_model
from ..access.staged_models import existing_models, model_named, models_now
from .plan import Plan

_KEY: Final = "SECRET_KEY"


def is_of_another_system(ref: BackupRef, manifest: Manifest) -> bool:
    """Return whether a backup is a package file of another system.

    It counts as one of this system if the catalogue has its job, or if SECRET_KEY was the same.
    """
    if ref.package is None or ref.in_ledger:
        return False
    return not _is_under_our_key(manifest)


def _is_under_our_key(manifest: Manifest) -> bool:
    return any(secret.name == _KEY and same_secret(secret) for secret in manifest.secrets)


def plan_access(plan: Plan, ref: BackupRef, manifest: Manifest, drop: bool | None) -> None:
    """Add to the plan of a live restore which access comes back, and what is removed.

    `drop` is the user's choice: None removes sessions and tokens only for packages of other systems.
    """
    foreign = is_of_another_system(ref, manifest)
    plan.drop_access = foreign if drop is None else drop
    held = {(alias, name.rpartition(".")[2]): rows for alias, name, rows in manifest.tables}
    aliases = {one.alias for one in manifest.databases} | {one.alias for one in manifest.data}
    try:
        for alias in sorted(aliases & set(connections.settings)):
            plan.access += _of_database(alias, {name: rows for (one, name), rows in held.items() if one == alias}, plan)
    except SettingsInvalid as error:
        plan.blocking.append(str(error))
    if not plan.access:
        return
    if plan.drop_access:
        why = "the package was made under another SECRET_KEY: by another system" if drop is None else "as asked"
        plan.access.append(f"sessions and tokens are removed before the restored database goes live ({why})")
        plan.access += access_elsewhere()
    else:
        plan.access.append(
            "sessions and tokens of the backup let in again, also those that were ended or deleted since, unless the"
            " restore is asked to remove them (on the command line: --drop-access)"
        )
        if any(secret.name == _KEY for secret in manifest.secrets) and not _is_under_our_key(manifest):
            plan.access.append(
                "the backup was made under another SECRET_KEY: if another system made it, its tokens let in the users"
                " of that system"
            )


def note_later_comparison(plan: Plan) -> None:
    """Add a note that only the restore compares the accounts: a plan does not have their rows."""
    if plan.access:
        plan.access.append(
            "accounts that would be active or have more rights than now are not known yet: the restore compares them"
            " before the swap and names them in its notes. To see them first, restore the database into a new one"
        )


def _of_database(alias: str, held: Mapping[str, int], plan: Plan) -> Iterator[str]:
    """Yield the numbers of rows in the backup and now, for each model that gives access."""
    users = account_model()
    chosen = [*([] if users is None else [users]), *access_models(), *_blacklist()]
    chosen = [model for model in chosen if model._meta.db_table in held]
    if not chosen:
        return
    # A missing database is not opened: SQLite would create an empty one.
    exists = any(one.exists for one in plan.replacements if one.kind != "files" and one.name == alias)
    try:
        now = _counted(alias, chosen) if exists else {}
    except DatabaseFailure as error:
        plan.warnings.append(
            f"the live database {alias!r} cannot be read ({str(error).strip()}): it is not known whose access ended"
            " since the backup"
        )
        now = {}
    for model in chosen:
        count = f"{now[model]:,} now" if model in now else "none now"
        what = f"{model._meta.verbose_name_plural} ({model._meta.label})"
        where = "" if alias == DEFAULT_DB_ALIAS else f" of the database {alias!r}"
        yield f"{what}{where}: {held[model._meta.db_table]:,} in the backup, {count}"


def _counted(alias: str, chosen: Iterable[type[models.Model]]) -> dict[type[models.Model], int]:
    with models_now(alias) as live:
        return {model: model._base_manager.using(live).count() for model in existing_models(live, chosen)}


def _blacklist() -> list[type[models.Model]]:
    model = model_named(BLACKLISTED)
    return [] if model is None else [model]
