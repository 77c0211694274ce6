"""Compare the migrations of a backup with those of the code, by the newest ones of each application."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.migrations.loader import MigrationLoader


def code_leaves() -> dict[str, list[str]]:
    """Return the newest migrations of the code by app label, without asking a database."""
    found: dict[str, list[str]] = {}
    for app, name in MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes():
        found.setdefault(app, []).append(name)
    return found


def code_knows() -> set[tuple[str, str]]:
    """Return all migrations of the code, and those that its squashed migrations replace."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {(app, name) for app, name in loader.disk_migrations}
    return known | {(app, name) for squashed in loader.replacements.values() for app, name in squashed.replaces}


def newer_code(what: str, lacking: Iterable[str]) -> str:
    """Return why `what` (the package, the backup) cannot be restored with this code, which lacks these migrations."""
    return (
        f"the {what} is of a newer state of the application: the code here does not have {', '.join(lacking)}; install"
        " the version of the application that has them, and restore with that"
    )


def leaves(applied: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the newest of the applied migrations by app label.

    `applied` is in order of application. For applications that the code does not know, that order decides.
    """
    rows = list(applied)
    present = set(rows)
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    found: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    for app, name in rows:
        last[app] = name
        if (app, name) not in graph.nodes:
            continue
        children = {(child.key[0], child.key[1]) for child in graph.node_map[app, name].children}
        if not any(child in present and child[0] == app for child in children):
            found.setdefault(app, []).append(name)
    for app, name in last.items():
        found.setdefault(app, [name])
    return {app: sorted(names) for app, names in sorted(found.items())}
