"""The subcommands of repair. Each shows its plan; with --dry-run it changes nothing."""

from __future__ import annotations

import argparse

from strongroom import exit_codes
from strongroom.cli.access import open_repository
from strongroom.cli.output import Display, name, print_error, print_json, print_line, size
from strongroom.errors import StrongroomError
from strongroom.ids import FileKind, StorageId
from strongroom.repair import (
    DamagedSnapshot,
    plan_index,
    plan_packs,
    plan_snapshots,
    repair_index,
    repair_packs,
    repair_snapshots,
)
from strongroom.repository import Repository

_PATHS_SHOWN = 20


def index(options: argparse.Namespace) -> int:
    """Rebuild the index from the headers of the packs."""
    repository = open_repository(options)
    with repository.lock(exclusive=not options.dry_run) as lock:
        plan = plan_index(repository)
        if not options.json:
            for text in (*plan.damaged, *plan.unreadable):
                print_error(f"warning: {text}")
            for count, what in (
                (len(plan.damaged), "index files cannot be read"),
                (len(plan.added), "packs are in no readable index file and are added"),
                (len(plan.corrected), "packs differ from the index, which is corrected"),
                (len(plan.dropped), "packs are missing and are removed from the index"),
            ):
                print_line(f"{count:>6,} {what}")
        result = None if options.dry_run else repair_index(repository, plan, lock)
    if options.json:
        record = {"damaged": plan.damaged, "added": plan.added, "corrected": plan.corrected, "dropped": plan.dropped}
        print_json({"dry_run": options.dry_run, **record, "unreadable": plan.unreadable, "result": result})
    elif result:
        print_line(f"{result.written} index files written, {result.removed} removed")
    return exit_codes.FAILED if plan.unreadable else exit_codes.OK


def packs(options: argparse.Namespace) -> int:
    """Save the intact blobs of damaged packs."""
    if bool(options.packs) == options.damaged:
        reason = "Both names and --damaged are given" if options.packs else "No packs are given"
        print_error(f"error: {reason}. Give the names of packs, or --damaged to find all damaged packs.")
        return exit_codes.USAGE
    repository = open_repository(options)
    with repository.lock(exclusive=not options.dry_run) as lock:
        chosen = None if options.damaged else [_pack(repository, prefix) for prefix in options.packs]
        with Display("reading packs", quiet=options.json, counted="packs") as display:
            plan = plan_packs(repository, chosen, progress=lambda done, total: display.show(done, done, total))
        if not options.json:
            for text in (*plan.reasons, *plan.unreadable):
                print_error(f"warning: {text}")
            print_line(f"{len(plan.packs):>6,} packs are damaged or missing and are removed")
            print_line(f"{plan.saved_blobs:>6,} blobs in them ({size(plan.saved_bytes)}) are intact and are saved")
            print_line(f"{len(plan.lost):>6,} blobs are lost")
        result = None if options.dry_run else repair_packs(repository, plan, lock)
    if options.json:
        lost = [{"kind": kind.name.lower(), "id": blob.hex()} for kind, blob in plan.lost]
        record = {"packs": plan.packs, "reasons": plan.reasons, "whole": plan.whole, "unreadable": plan.unreadable}
        saved = {"saved_blobs": plan.saved_blobs, "saved_bytes": plan.saved_bytes, "lost": lost}
        print_json({"dry_run": options.dry_run, **record, **saved, "result": result})
    else:
        if result:
            print_line(f"{result.packs_removed} packs removed, {result.packs_written} written")
        if plan.lost:
            print_line(
                "Make a backup: it stores lost content again if its source still has it. Then run"
                " `strongroom repair snapshots`."
            )
    return exit_codes.FAILED if plan.unreadable else exit_codes.OK


def _pack(repository: Repository, prefix: str) -> StorageId:
    """Return the one pack, stored or only in the index, whose name begins with `prefix`."""
    known = {stored.name for stored in repository.backend.list_files(FileKind.PACK)} | set(
        repository.load_index().packs
    )
    names = [pack for pack in known if pack.startswith(prefix)]
    if not prefix or len(names) != 1:
        raise StrongroomError(
            f"{len(names) or 'No'} packs in {repository.location} have a name that begins with {prefix!r}."
            " `strongroom check` lists damaged packs."
        )
    return names[0]


def snapshots(options: argparse.Namespace) -> int:
    """Store damaged snapshots again without the lost files."""
    repository = open_repository(options)
    with repository.lock(exclusive=not options.dry_run) as lock:
        plan = plan_snapshots(repository)
        if not options.json:
            for text in plan.reasons:
                print_error(f"warning: {text}")
            for one in plan.damaged:
                _show(one)
            print_line(f"{len(plan.damaged):>6,} snapshots lack content")
            print_line(f"{len(plan.unreadable):>6,} snapshots cannot be read")
        result = None if options.dry_run else repair_snapshots(repository, plan, lock, forget=options.forget)
    if options.json:
        damaged = [
            {
                "id": one.snapshot.id,
                "lost": [name(path) for path in one.lost],
                "lost_count": one.lost_count,
                "wholly_lost": one.tree is None,
                "is_repaired": one.is_repaired,
            }
            for one in plan.damaged
        ]
        record = {"dry_run": options.dry_run, "damaged": damaged, "unreadable": plan.unreadable}
        print_json({**record, "reasons": plan.reasons, "result": result})
    elif result:
        for old, new in result.repaired.items():
            print_line(f"snapshot {old[:8]} repaired as {new[:8]}")
        print_line(f"{len(result.repaired)} snapshots written, {len(result.forgotten)} removed")
        if not options.forget and not plan.empty:
            print_line("The damaged snapshots are kept; --forget removes them.")
    return exit_codes.OK


def _show(one: DamagedSnapshot) -> None:
    state = "nothing is left" if one.tree is None else "already repaired" if one.is_repaired else "can be repaired"
    print_line(f"snapshot {one.snapshot.id[:8]} lacks {one.lost_count:,} files or folders ({state})")
    for path in one.lost[:_PATHS_SHOWN]:
        print_line(f"    {name(path) or '/'}")
