"""Show restores in `restore_backup`, as pairs of a title and a value."""

from __future__ import annotations

from ..restores import Opened, Plan, RestoreResult
from .terminal import size

Facts = list[tuple[str, str | list[str]]]


def plan_facts(plan: Plan) -> Facts:
    """Return the facts of a plan."""
    replaced = [
        f"{one.kind} {one.name}: {one.live}{'' if one.exists else ' (does not exist)'}"
        f"{f', {size(one.size)}' if one.size is not None else ''}{''.join(f', {note}' for note in one.notes)}"
        for one in plan.replacements
    ]
    space = [f"{one.where}: {size(one.needed)} needed, {size(one.available)} available" for one in plan.space]
    return [
        ("backup", plan.backup),
        ("taken at", plan.taken_at),
        ("to folder", plan.to_folder),
        ("to database", plan.to_database),
        ("paths", plan.paths),
        ("tables", plan.tables),
        ("will be replaced", replaced),
        ("compared with now", plan.differences.lines() or ["no difference"] if plan.differences else []),
        ("space", space),
        ("catalogue", plan.ledger),
        ("safety backup", "" if plan.to_folder or plan.to_database else "yes" if plan.safety_backup else "no"),
        ("accounts and access", plan.access),
        ("warnings", plan.warnings),
        ("blocking", plan.blocking),
    ]


def result_facts(result: RestoreResult) -> Facts:
    """Return the facts of a finished restore to the live system."""
    return [
        ("restore", str(result.restore)),
        ("status", result.status),
        ("took", f"{result.seconds:.1f} s"),
        ("replaced", [f"{one['live']} (kept as {one['kept']})" for one in result.replaced]),
        ("notes", result.notes),
        ("to go back", f"restore_backup --rollback {result.restore}" if result.replaced else ""),
    ]


def opened_facts(opened: Opened, *, dry_run: bool) -> Facts:
    """Return how to inspect the state that a restore replaced."""
    return [
        ("restore", f"{opened.restore} of {opened.backup}"),
        ("to look at it", opened.look),
        ("in no backup", opened.changes),
        ("dry run", "no connections were let in" if dry_run else ""),
    ]
