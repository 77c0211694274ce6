"""Compute the models of a set of applied migrations, and the migrations by which the code reaches the same state.

The models in the code are the current ones; a database or a package may have an earlier state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

Node = tuple[str, str]


@dataclass(frozen=True)
class History:
    """A set of applied migrations, compared with the code.

    `targets` are the nodes to which an empty database is migrated. `unknown` are applied migrations that the code does
    not have; `squashed` are squashed migrations of the code that were applied in part, so that the code cannot make
    that state.
    """

    targets: list[Node]
    state: ProjectState = field(repr=False)
    unknown: list[Node] = field(default_factory=list)
    squashed: list[str] = field(default_factory=list)

    @property
    def tables(self) -> dict[str, type[models.Model]]:
        """The models with a table of their own, by the name of the table, with those of many-to-many tables."""
        return {
            plain_name(model._meta.db_table): model
            for model in self.state.apps.get_models(include_auto_created=True)
            if model._meta.managed and not model._meta.proxy
        }


def history(applied: Mapping[str, Collection[str]]) -> History:
    """Compare applied migrations, given by app label, with the code, without a database."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    done = {(app, name) for app, names in applied.items() for name in names}
    reached = {node for node in loader.graph.nodes if node in done}
    squashed = []
    for node, migration in loader.replacements.items():
        replaced = {(app, name) for app, name in migration.replaces}
        if replaced <= done:
            reached.add(node)
        elif replaced & done and node not in done:
            squashed.append(f"{node[0]}.{node[1]}")
        done -= replaced if node in reached else set()
    unknown = sorted(node for node in done - reached if node not in loader.replacements)
    ends = [node for node in reached if not _has_child(loader, node, reached)]
    state = loader.project_state(sorted(ends)) if ends else ProjectState(real_apps=loader.unmigrated_apps)
    return History(sorted(ends), state, unknown, sorted(squashed))


def _has_child(loader: MigrationLoader, node: Node, reached: set[Node]) -> bool:
    return any(child.key in reached and child.key[0] == node[0] for child in loader.graph.node_map[node].children)


def plain_name(db_table: str) -> str:
    """Return a table's name without the quotes by which some models name a schema."""
    return db_table.replace('"."', ".").strip('"')


def columns_of(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    """Return the model's own fields that have a column, by the column's name, without computed ones."""
    return {
        str(field.column): field
        for field in model._meta.local_concrete_fields
        if field.column and not getattr(field, "generated", False)
    }
