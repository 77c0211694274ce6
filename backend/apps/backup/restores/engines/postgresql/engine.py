"""The restore engine for PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ....core.manifest import DatabaseRecord
from ....sources.engines.postgresql.dump import ENGINE, fresh_connection, read_facts, written_since
from ....sources.engines.postgresql.schema.disks import data_folder
from ....sources.engines.postgresql.schema.live import create_like_live
from ....sources.engines.postgresql.schema.rehearsal import rehearse
from ....sources.engines.postgresql.schema.scratch import create_scratch
from ....sources.engines.postgresql.schema.server import bar_connections, drop, exists, free_name, server
from ....sources.engines.rehearsal import Rehearsal
from ...backup_source import Origin, Progress
from ...changes import Baseline
from ...journal import Component, Kind
from ..contract import Mark, ServerEngine
from ..fill_base import Filling, Scratch
from ..server_check import ServerCheck
from . import carry_ledger, chosen_tables, fill, hold_writes, stage, swap

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_LOCK_PATIENCE: Final = "3s"
"""The time to wait for a live table that another session has locked."""
_CODE: Final = """
    SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass::text,
       pg_get_triggerdef(t.oid) || pg_get_functiondef(t.tgfoid)
    FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule ' || r.rulename || ' on ' || r.ev_class::regclass::text, pg_get_ruledef(r.oid)
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.rulename <> '_RETURN' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text, pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass
                  AND d.deptype = 'e')
"""
"""Functions count, since triggers, constraints and defaults may call them."""


class PostgresqlEngine(ServerEngine):
    """Databases are swapped by renaming them; dumps are restored object by object."""

    kind = Kind.POSTGRESQL
    vendor = ENGINE
    rolls_back_first = True
    dumps_objects = True

    def free_name(self, base: str, ending: str) -> str:
        return free_name(base, ending)

    def forward(self, component: Component, mark: Mark) -> None:
        swap.forward_database(component)

    def backward(self, component: Component, mark: Mark) -> None:
        swap.backward_database(component)

    def cancel_backward(self, component: Component) -> None:
        swap.open_again(component)

    def require_backward(self, component: Component) -> None:
        swap.require_none_prepared(component)

    def is_there(self, name: str, place: str) -> bool:
        with server(name) as cursor:
            return exists(cursor, place)

    def look_command(self, component: Component) -> str:
        return f"database {component.name}: psql --dbname={component.kept}"

    def admit_connections(self, component: Component) -> None:
        swap.admit_again(component)

    @contextlib.contextmanager
    def connections_admitted(self, component: Component) -> Iterator[None]:
        # The swap has barred connections.
        swap.admit_again(component)
        try:
            yield
        finally:
            with server(component.name) as cursor:
                bar_connections(cursor, component.kept)

    def create(self, alias: str, place: str, *, like: str) -> None:
        create_like_live(alias, place)

    def create_for_dump(self, record: DatabaseRecord, place: str) -> None:
        create_scratch(record, place)

    def load_dump(
        self,
        record: DatabaseRecord,
        place: str,
        origin: Origin,
        *,
        like: str,
        leave_out: frozenset[str],
        progress: Progress,
    ) -> list[str]:
        return stage.load(record, place, origin, leave_out=leave_out, progress=progress)

    def fill(self, scratch: Scratch) -> contextlib.AbstractContextManager[Filling]:
        return fill.open_postgresql(scratch)

    def drop(self, alias: str, place: str) -> None:
        drop(alias, place)

    def keep_tables(self, alias: str, place: str, keep: frozenset[str]) -> list[str]:
        return chosen_tables.keep_tables(alias, place, keep)

    def carry_ledger(self, component: Component, target: str) -> str:
        return carry_ledger.carry_postgresql(component.name, component.live, target)

    def connect(self, component: Component, place: str) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        return fresh_connection(component.name, place)

    def count_rows(self, component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
        with self.connect(component, place) as wrapper, wrapper.cursor() as cursor:
            if place == component.live:
                self.wait_briefly(cursor)
            return read_facts(cursor).tables

    def count_written(self, component: Component, place: str, baseline: Baseline) -> Mapping[str, int] | None:
        # Each row has the number of the transaction that wrote it.
        position = baseline.positions.get(component.name)
        if position is None:
            return None
        with self.connect(component, place) as wrapper, wrapper.cursor() as cursor:
            return written_since(cursor, position)

    def check(self, alias: str) -> ServerCheck:
        return stage.check_rights(alias)

    def check_dump(self, record: DatabaseRecord) -> ServerCheck:
        return stage.check_server(record)

    def rehearse_dump(self, record: DatabaseRecord, origin: Origin, leave_out: frozenset[str]) -> Rehearsal:
        return rehearse(origin, record, leave_out)

    def data_folder(self, alias: str) -> Path | None:
        with server(alias) as cursor:
            return data_folder(cursor)

    def hold_writes(self, alias: str) -> contextlib.AbstractContextManager[None]:
        return hold_writes.held(alias)

    def wait_briefly(self, cursor: CursorWrapper) -> None:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_LOCK_PATIENCE])

    def stored_code(self, cursor: CursorWrapper) -> Mapping[str, str]:
        cursor.execute(_CODE)
        return {str(name): str(text) for name, text in cursor.fetchall()}

    def matching_tables(self, name: str, known: Iterable[str]) -> Sequence[str]:
        plain = name.removeprefix("public.")
        return [one for one in known if name == one.rpartition(".")[2] or plain == one]
