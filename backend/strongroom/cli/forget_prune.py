"""The subcommands forget and prune. Each shows its plan; with --dry-run it removes nothing."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from strongroom import exit_codes
from strongroom.cli.access import open_repository
from strongroom.cli.output import Display, print_error, print_json, print_line, size, table
from strongroom.format.snapshot import Snapshot
from strongroom.ids import StorageId
from strongroom.prune import PruneOptions, PrunePlan, PruneProgress, PruneResult, execute_prune, forget, plan_prune
from strongroom.repository import Repository
from strongroom.retention import Candidate, Decision, Rules, decide

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = ((datetime(year, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) for year in (1, 9999))
"""The range in microseconds in which a time can be shown in any time zone."""


class SystemZone(tzinfo):
    """The time zone of this machine, with the correct summer time of every date, even if the zone has no name."""

    def fromutc(self, dt: datetime) -> datetime:
        local = dt.replace(tzinfo=UTC).astimezone()
        # When an hour occurs twice, the system takes the first one by default.
        second = local.replace(tzinfo=None).astimezone().utcoffset() != local.utcoffset()
        return local.replace(tzinfo=self, fold=second)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return dt.replace(tzinfo=None).astimezone().utcoffset() if dt else None

    def dst(self, dt: datetime | None) -> timedelta | None:  # noqa: ARG002 the name is the base class's
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return dt.replace(tzinfo=None).astimezone().tzname() if dt else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    """Snapshots of one host and the same paths. The rules apply to each group separately."""

    host: str
    paths: tuple[str, ...]
    decisions: list[Decision]


def forget_snapshots(options: argparse.Namespace) -> int:
    """Remove snapshots by id or by rules, and with --prune free their space."""
    rules = Rules(
        max_age=timedelta(days=options.keep_within_days) if options.keep_within_days else None,
        max_count=options.keep_last,
        keep_daily=options.keep_daily,
        keep_weekly=options.keep_weekly,
        keep_monthly=options.keep_monthly,
        keep_yearly=options.keep_yearly,
    )
    if bool(options.snapshots) == (rules.any or bool(options.tag)) or (options.tag and not rules.any):
        reason = "Both ids and rules are given" if options.snapshots else "Neither ids nor rules are given"
        print_error(f"error: {reason}. Give the ids of the snapshots to forget, or rules with --keep-….")
        return exit_codes.USAGE
    repository = open_repository(options)
    repository.require_removable()
    plan: PrunePlan | None = None
    result: PruneResult | None = None
    with repository.lock(exclusive=not options.dry_run, optional=True) as lock, _Showing(options) as showing:
        groups = [] if options.snapshots else list(_judge(repository, rules, options.tag))
        going = _named(repository, options.snapshots) or [
            StorageId(decision.candidate.key) for group in groups for decision in group.decisions if not decision.keep
        ]
        if options.prune or options.dry_run:
            # Before anything is forgotten: a damaged repository is not changed.
            plan = plan_prune(repository, without=going, options=_thoroughness(options), progress=showing.show)
        if not options.dry_run:
            going = forget(repository, going, lock)
            if plan and options.prune:
                result = execute_prune(repository, plan, lock, progress=showing.show)
    if options.json:
        record = {"groups": [_group_record(group) for group in groups], "removed": going, "dry_run": options.dry_run}
        print_json({**record, "space": _plan_record(plan) if plan else None, "prune": result})
        return exit_codes.OK
    for group in groups:
        _show_group(options, group)
    print_line(f"{len(going)} snapshots {'would be' if options.dry_run else 'were'} forgotten")
    if plan:
        _show_plan(options, plan, result)
    return exit_codes.OK


def prune(options: argparse.Namespace) -> int:
    """Free the space that no snapshot needs."""
    repository = open_repository(options)
    result: PruneResult | None = None
    with repository.lock(exclusive=not options.dry_run, optional=True) as lock, _Showing(options) as showing:
        plan = plan_prune(repository, options=_thoroughness(options), progress=showing.show)
        if not options.dry_run:
            result = execute_prune(repository, plan, lock, progress=showing.show)
    if options.json:
        print_json({"dry_run": options.dry_run, "space": _plan_record(plan), "prune": result})
    else:
        _show_plan(options, plan, result)
    return exit_codes.OK


class _Showing(contextlib.AbstractContextManager["_Showing"]):
    """Show the progress of a prune, with a bar for each step."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._quiet: bool = options.json
        self._stack = contextlib.ExitStack()
        self._doing = ""
        self._display: Display | None = None

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, at: PruneProgress) -> None:
        """Show the progress of the current step."""
        if self._display is None or at.doing != self._doing:
            self._stack.close()
            counted = "folders" if "folders" in at.doing else "packs"
            self._display = self._stack.enter_context(Display(at.doing, quiet=self._quiet, counted=counted))
            self._doing = at.doing
        self._display.show(at.done, at.bytes_done, at.bytes_total)


def _thoroughness(options: argparse.Namespace) -> PruneOptions:
    return PruneOptions(max_unused=options.max_unused / 100, grace=timedelta(hours=options.grace_hours))


def _named(repository: Repository, prefixes: Sequence[str]) -> list[StorageId]:
    found = (
        repository.snapshot(prefix).id if prefix == "latest" else repository.snapshot_name(prefix)
        for prefix in prefixes
    )
    return list(dict.fromkeys(found))


def _judge(repository: Repository, rules: Rules, tags: Sequence[str]) -> Iterator[_Group]:
    """Apply the rules to each group. Report unreadable snapshots and keep them."""
    groups: dict[tuple[str, tuple[str, ...]], list[Candidate]] = {}
    readable, faults = repository.readable_snapshots()
    for fault in faults:
        print_error(f"warning: {fault} The snapshot is kept.")
    for snapshot in readable:
        if not tags or set(tags) & set(snapshot.tags):
            groups.setdefault((snapshot.hostname, tuple(sorted(snapshot.paths))), []).append(_candidate(snapshot))
    now, zone = datetime.now(UTC), SystemZone()
    for (host, paths), candidates in sorted(groups.items()):
        yield _Group(host, paths, decide(candidates, rules, now=now, zone=zone))


def _candidate(snapshot: Snapshot) -> Candidate:
    made = timedelta(microseconds=min(max(snapshot.time_ns // 1000, _FIRST), _LAST))
    return Candidate(snapshot.id, _EPOCH + made, snapshot.must_stay(time.time_ns()))


def _show_group(options: argparse.Namespace, group: _Group) -> None:
    print_line(f"{group.host} {', '.join(group.paths)}")
    table(
        options,
        ["Decision", "ID", "Time", "Why"],
        [
            [
                "keep" if decision.keep else "remove",
                decision.candidate.key[:8],
                _local(decision.candidate.time, options),
                ", ".join(decision.reasons),
            ]
            for decision in group.decisions
        ],
    )


def _local(at: datetime, options: argparse.Namespace) -> str:
    return f"{at.astimezone(UTC if options.utc else None):%Y-%m-%d %H:%M %Z}"


def _group_record(group: _Group) -> dict[str, object]:
    return {
        "host": group.host,
        "paths": group.paths,
        "snapshots": [
            {
                "id": decision.candidate.key,
                "time": decision.candidate.time,
                "keep": decision.keep,
                "reasons": decision.reasons,
            }
            for decision in group.decisions
        ],
    }


def _plan_record(plan: PrunePlan) -> dict[str, object]:
    return {
        "total_bytes": plan.total_bytes,
        "used_blobs": plan.used_blobs,
        "used_bytes": plan.used_bytes,
        "unused_blobs": plan.unused_blobs,
        "unused_bytes": plan.unused_bytes,
        "packs_unused": len(plan.remove.names),
        "packs_unindexed": len(plan.unindexed.names),
        "leftovers": len(plan.leftovers),
        "leftover_bytes": plan.leftover_bytes,
        "packs_to_repack": len(plan.repack.names),
        "repack_bytes": plan.repack.size,
        "freed_bytes": plan.freed_bytes,
        "young_bytes": plan.young_unused,
        "young_until": plan.young_until and datetime.fromtimestamp(plan.young_until, UTC).isoformat(),
        "worth_it": plan.worth_it,
    }


def _show_plan(options: argparse.Namespace, plan: PrunePlan, result: PruneResult | None) -> None:
    print_line(f"used    {size(plan.used_bytes):>10} in {plan.used_blobs:,} blobs")
    print_line(f"unused  {size(plan.unused_bytes):>10} in {plan.unused_blobs:,} blobs")
    print_line(f"remove  {size(plan.remove.size):>10} in {len(plan.remove.names):,} unused packs")
    if plan.unindexed.names:
        print_line(f"remove  {size(plan.unindexed.size):>10} in {len(plan.unindexed.names):,} packs in no index")
    if plan.leftovers:
        print_line(f"remove  {size(plan.leftover_bytes):>10} in {len(plan.leftovers):,} files of interrupted writes")
    print_line(f"repack  {size(plan.repack.size):>10} in {len(plan.repack.names):,} partly used packs")
    if plan.young.names:
        until = (
            ""
            if plan.young_until is None
            else f", until {_local(datetime.fromtimestamp(plan.young_until, UTC), options)}"
        )
        waiting = f"{size(plan.young_unused):>10} unused in {len(plan.young.names):,} packs"
        print_line(f"wait    {waiting} within the grace period{until}")
    if result:
        print_line(f"{size(result.freed_bytes)} freed")
    else:
        print_line(f"{size(plan.freed_bytes)} would be freed")
