"""Show, create, change, enable, disable and delete backup configurations."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from django.core.management.base import CommandParser
from django.utils import timezone

from strongroom.passphrase import SOURCES, passphrase_source

from ... import selectors
from ...backups.presence import find_presence
from ...core.cancellation import stop_signals
from ...core.progress import Tracker
from ...errors import RequestRefused
from ...models import BackupConfiguration, JobStatus
from ...policies.production import ConfigurationValues
from ...retention.whole_configuration import delete_with_backups, removable_backups
from ...selectors.backups import stored_backups
from ...selectors.configurations import clean_up_candidates, earlier_configurations
from ...selectors.executors import executors_alive
from ...services import configurations as service
from ...services.celery_beat import installed, owned_names
from ...services.due_jobs import upcoming
from ...services.policy_import import (
    CREATED,
    WOULD_BE_CREATED,
    ImportResult,
    clean_up,
    configurations_adopt,
    policies_install,
    refusal_here,
)
from .. import configuration_views as views
from .. import exitcodes
from ..base import BackupCommand, Options
from ..configuration_options import FIELDS, add_field_options, ask_fields, given_fields
from ..lookup import configuration_named
from ..terminal import ProgressDisplay, facts, moment, size, table

_STATS_DAYS = 30
_NEXT_RUNS = 5


class Command(BackupCommand):
    help = "Show, create, change, enable, disable and delete backup configurations."
    examples = (
        "manage_backup_configs --list",
        "manage_backup_configs --edit production_daily_full --time 03:30",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--list", action="store_true", help="list all configurations")
        what.add_argument("--stats", action="store_true", help="show statistics")
        what.add_argument("--next", metavar="NAME", nargs="?", const="", help="show the next runs, of one or of all")
        what.add_argument("--enable", metavar="NAME", help="enable the schedule of a configuration")
        what.add_argument("--disable", metavar="NAME", help="disable the schedule of a configuration")
        what.add_argument("--delete", metavar="NAME", help="delete a configuration; its backups stay stored")
        parser.add_argument("--with-backups", action="store_true", help="with --delete: delete its backups, too")
        what.add_argument(
            "--cleanup", action="store_true", help="delete ad-hoc configurations older than 7 days without jobs"
        )
        what.add_argument(
            "--create", action="store_true", help="create a configuration from the options, or ask for the fields"
        )
        what.add_argument("--edit", metavar="NAME", help="change a configuration by options, or ask for the fields")
        what.add_argument("--install-production", action="store_true", help="install the five production policies")
        what.add_argument("--adopt", action="store_true", help="import the configurations of an earlier installation")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")
        add_field_options(parser.add_argument_group("fields, for --create and --edit"))

    def run(self, options: Options) -> int:
        actions: dict[str, Callable[[Options], int]] = {
            "list": self._list,
            "stats": self._stats,
            "enable": self._enable,
            "disable": self._disable,
            "delete": self._delete,
            "cleanup": self._clean_up,
            "create": self._create,
            "edit": self._edit,
            "install_production": self._install,
            "adopt": self._adopt,
        }
        if options["with_backups"] and not options["delete"]:
            raise RequestRefused("--with-backups needs --delete. Nothing was changed.")
        for name, action in actions.items():
            if options[name]:
                self._refuse_fields(options, name)
                return action(options)
        return self._next(options)

    def _refuse_fields(self, options: Options, action: str) -> None:
        given = [field.option for field in FIELDS if options[field.name] is not None]
        if given and action not in {"create", "edit"}:
            raise RequestRefused(f"{given[0]} needs --create or --edit. Nothing was changed.")

    def _list(self, options: Options) -> int:
        now = timezone.now()
        states = selectors.configuration_states(
            since=now - timedelta(days=_STATS_DAYS), now=now, absent=find_presence().absent()
        )
        if options["json"]:
            self.print_json({"configurations": [views.state_json(one, now=now) for one in states]})
            return exitcodes.OK
        if not states:
            self.note(
                "There are no configurations. Use --install-production to install five, or --create to create one."
            )
        table(views.TITLES, [views.table_row(one) for one in states], optional=views.OPTIONAL)
        known = {one.configuration.name for one in states}
        earlier = [str(row.get("name")) for row in earlier_configurations() if row.get("name") not in known]
        if earlier:
            self.note(
                f"An earlier installation has {len(earlier)} configurations. To import them, use --adopt:"
                f" {', '.join(earlier)}"
            )
        return exitcodes.OK

    def _stats(self, options: Options) -> int:
        now = timezone.now()
        states = selectors.configuration_states(
            since=now - timedelta(days=_STATS_DAYS), now=now, absent=find_presence().absent()
        )
        rows = [one.configuration for one in states]
        counts = selectors.job_counts()
        stored, logical = selectors.stored_bytes()
        following = min((row.next_slot for row in rows if row.runs_by_schedule and row.next_slot), default=None)
        values: dict[str, object] = {
            "configurations": len(rows),
            "production": sum(row.name.startswith("production_") for row in rows),
            "enabled": sum(row.is_enabled for row in rows),
            "disabled": sum(not row.is_enabled for row in rows),
            "scheduled": sum(row.runs_by_schedule for row in rows),
            "periodic_tasks": owned_names() if installed() else None,
            "executors": [str(one) for one in executors_alive(now=now)],
            "next_run": following and following.isoformat(),
            "jobs": sum(counts.values()),
            "jobs_by_status": {str(status): counts.get(status, 0) for status in JobStatus.values},
            "backups": sum(one.backups for one in states),
            "added_bytes": stored,
            "logical_bytes": logical,
            "missed_slots_30_days": sum(one.missed for one in states),
        }
        if options["json"]:
            self.print_json(values)
            return exitcodes.OK
        tasks = cast("list[str] | None", values["periodic_tasks"])
        executors = cast("list[str]", values["executors"])
        facts(
            [
                ("configurations", f"{len(rows)} ({values['enabled']} enabled, {values['disabled']} disabled)"),
                ("production", str(values["production"])),
                ("by schedule", str(values["scheduled"])),
                ("periodic tasks", "" if tasks is None else f"{len(tasks)} ({', '.join(tasks)})" if tasks else "none"),
                ("executors", ", ".join(executors) or "none: no agent or worker is running"),
                ("next run", moment(following) or "none"),
                ("jobs", str(values["jobs"])),
                *((f"  {status.lower()}", str(counts[status])) for status in JobStatus.values if status in counts),
                ("backups", str(values["backups"])),
                ("stored", f"{size(stored)} added for {size(logical)}"),
                ("missed slots", f"{values['missed_slots_30_days']} in {_STATS_DAYS} days"),
            ]
        )
        return exitcodes.OK

    def _next(self, options: Options) -> int:
        now = timezone.now()
        name = str(options["next"] or "")
        rows = [configuration_named(name)] if name else list(selectors.configurations())
        runs = sorted(
            (slot, row.name) for row in rows for slot in upcoming(row, now=now, count=_NEXT_RUNS if name else 1)
        )
        if options["json"]:
            self.print_json({"next": [{"at": slot.isoformat(), "configuration": row} for slot, row in runs]})
            return exitcodes.OK
        if not runs:
            self.note("No schedule is enabled." if not name else f"The schedule of {name} is not enabled.")
        table(("At", "Configuration"), [[moment(slot), row] for slot, row in runs])
        return exitcodes.OK

    def _enable(self, options: Options) -> int:
        return self._switch(options, "enable", service.configuration_enable)

    def _disable(self, options: Options) -> int:
        return self._switch(options, "disable", service.configuration_disable)

    def _switch(self, options: Options, name: str, change: Callable[..., BackupConfiguration]) -> int:
        row = configuration_named(str(options[name]))
        if not options["dry_run"]:
            row = change(row.uuid, now=timezone.now())
            self._warn(row)
        return self._show(options, row, f"would be {name}d" if options["dry_run"] else f"{name}d")

    def _create(self, options: Options) -> int:
        given = given_fields(options)
        values = given if "name" in given else ask_fields(given, self._ask, self.note)
        wanted = dataclasses.replace(ConfigurationValues(name=""), **cast("dict[str, Any]", values))
        if options["dry_run"]:
            self._show_values(options, dataclasses.asdict(wanted))
            return exitcodes.OK
        row = service.configuration_create(wanted, now=timezone.now())
        self._warn(row)
        return self._show(options, row, "created")

    def _edit(self, options: Options) -> int:
        row = configuration_named(str(options["edit"]))
        changes = given_fields(options)
        if not changes:
            current = {field.name: getattr(row, field.name) for field in FIELDS}
            answers = ask_fields({}, self._ask, self.note, now=current)
            changes = {name: value for name, value in answers.items() if value != current[name]}
        if options["dry_run"]:
            self._show_values(options, changes)
            return exitcodes.OK
        row = service.configuration_update(row.uuid, changes, now=timezone.now())
        self._warn(row)
        return self._show(options, row, "changed")

    def _delete(self, options: Options) -> int:
        row = configuration_named(str(options["delete"]))
        if options["with_backups"]:
            return self._delete_with_backups(options, row)
        kept = stored_backups(row)
        what = f"Its {kept} backups stay stored and can be restored. Retention does not remove them any more."
        if options["dry_run"]:
            return self._answer(options, {"dry_run": True, "configuration": row.name, "backups_kept": kept}, what)
        self.require_consent(options, f"Delete the configuration {row.name}? {what}")
        deleted = service.configuration_delete(row.uuid, now=timezone.now())
        return self._answer(options, dataclasses.asdict(deleted), f"{deleted.name} is deleted. {what}")

    def _delete_with_backups(self, options: Options, row: BackupConfiguration) -> int:
        count = len(removable_backups(row.uuid))
        if options["dry_run"]:
            values = {"dry_run": True, "configuration": row.name, "backups_removed": count}
            return self._answer(options, values, f"Would be deleted: {row.name} and its {count} backups.")
        self.require_consent(options, f"Delete the configuration {row.name} and its {count} backups permanently?")
        tracker = Tracker()
        with stop_signals(), ProgressDisplay() as display:
            done = delete_with_backups(
                row.uuid, by="a command", tracker=tracker, tick=lambda: display.show(tracker.now())
            )
        if done.error:
            raise RequestRefused(done.error)
        values = {
            "name": row.name,
            "backups_removed": len(done.removal.removed),
            "freed_bytes": done.removal.freed_bytes,
        }
        return self._answer(options, values, f"{row.name} and its {count} backups are deleted.")

    def _clean_up(self, options: Options) -> int:
        rows = clean_up_candidates(now=timezone.now())
        shown = "\n".join(f"{row.name} (created {moment(row.created_at)})" for row in rows)
        if not rows or options["dry_run"]:
            text = f"Would be deleted:\n{shown}" if rows else "No configurations to clean up."
            return self._answer(options, {"dry_run": bool(options["dry_run"]), "deleted": [r.name for r in rows]}, text)
        self.note(f"Ad-hoc configurations older than 7 days without jobs:\n{shown}")
        self.require_consent(options, f"Delete these {len(rows)} configurations?")
        names = clean_up(now=timezone.now(), chosen=rows)
        return self._answer(options, {"deleted": names}, f"{len(names)} configurations are deleted.")

    def _install(self, options: Options) -> int:
        results = policies_install(now=timezone.now(), dry_run=bool(options["dry_run"]))
        self._warn_of_passphrase(any(one.state in {CREATED, WOULD_BE_CREATED} for one in results))
        return self._show_imported(options, results)

    def _adopt(self, options: Options) -> int:
        plan = configurations_adopt(now=timezone.now(), dry_run=True)
        wanted = [one for one in plan if one.state == WOULD_BE_CREATED]
        if options["dry_run"] or not wanted:
            return self._show_imported(options, plan)
        self.note("\n".join(f"{one.name}: {one.state}{_note(one)}" for one in plan))
        self.require_consent(options, f"Import these {len(wanted)} configurations?")
        return self._show_imported(options, configurations_adopt(now=timezone.now()))

    def _show_imported(self, options: Options, results: list[ImportResult]) -> int:
        if options["json"]:
            self.print_json({"configurations": [dataclasses.asdict(one) for one in results]})
        elif not results:
            self.note("Nothing to import: the database has no configurations of an earlier installation.")
        else:
            facts([(one.name, f"{one.state}{_note(one)}") for one in results])
        return exitcodes.FAILED if any(one.state == "refused" for one in results) else exitcodes.OK

    def _show(self, options: Options, row: BackupConfiguration, done: str) -> int:
        if options["json"]:
            self.print_json({"done": done, "configuration": views.as_json(row, now=timezone.now())})
            return exitcodes.OK
        facts(
            [
                ("configuration", f"{row.name} {done}" if done.startswith("would") else f"{row.name} is {done}"),
                ("uuid", str(row.uuid)),
                ("type", row.backup_type),
                ("schedule", views.words(row)),
                ("next run", moment(row.next_slot) if row.runs_by_schedule else "none by schedule"),
                ("retention", views.retention(row)),
                ("features", views.features(row)),
            ]
        )
        return exitcodes.OK

    def _show_values(self, options: Options, values: Mapping[str, object]) -> None:
        if options["json"]:
            self.print_json({"dry_run": True, **values})
        else:
            by_name = {field.name: field for field in FIELDS}
            facts([(name, by_name[name].shown(value)) for name, value in values.items() if name in by_name])
            self.note("Nothing was changed.")

    def _answer(self, options: Options, values: Mapping[str, object], text: str) -> int:
        if options["json"]:
            self.print_json(values)
        else:
            self.stdout.write(text)
        return exitcodes.OK

    def _warn(self, row: BackupConfiguration) -> None:
        self._warn_of_passphrase(row.encryption_enabled)
        if refusal := refusal_here(row.backup_type):
            self.note(f"{row.name}: {refusal}")

    def _warn_of_passphrase(self, needed: bool) -> None:
        if needed and passphrase_source() is None:
            self.note(
                "Encryption is on, but no passphrase is set here. Set one of"
                f" {', '.join(SOURCES)} where the jobs run; otherwise they are refused."
            )

    def _ask(self, question: str) -> str:
        self.stderr.write(question, ending="")
        self.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise RequestRefused("The input ended before all questions were answered. Nothing was changed.")
        return answer.rstrip("\n")


def _note(one: ImportResult) -> str:
    return f" ({one.note})" if one.note else ""
