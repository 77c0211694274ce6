"""The subcommands for backup, restore, check and keys. Each calls the engine, prints its result, returns a code."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from strongroom import exit_codes
from strongroom.archiver import ArchiveOptions, ArchiveProgress, archive
from strongroom.checker import CheckProgress, check
from strongroom.cli.access import backend, open_repository, passphrase, read_lock, read_new_passphrase, reading
from strongroom.cli.output import Display, iso_time, local_time, name, print_error, print_json, print_line, size, table
from strongroom.entries import Entry, Folder, OnDisk
from strongroom.errors import StrongroomError
from strongroom.format.go_text import parse_time
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import NodeKind
from strongroom.repository import Repository
from strongroom.restorer import RestoreProgress, restore
from strongroom.snapshots import SnapshotView


def init(options: argparse.Namespace) -> int:
    """Create a repository."""
    place = backend(options)
    repository = Repository.init(place, passphrase(options, confirm=True))
    if options.json:
        print_json({"repository": place.location, "id": repository.id})
    else:
        print_line(f"Repository {repository.id[:10]} created in {place.location}.")
        print_error("Keep a copy of the passphrase in another place: without it the backups cannot be read.")
    return exit_codes.OK


def backup(options: argparse.Namespace) -> int:
    """Back up files and folders."""
    repository = open_repository(options)
    paths = [os.path.abspath(os.fsencode(path)) for path in options.paths]
    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        raise StrongroomError(f"Cannot back up {name(missing[0])}: it does not exist. Nothing was backed up.")
    shown = tuple(os.fsdecode(path) for path in paths)
    parent = None if options.force else _latest_of(repository, shown)
    excluded = frozenset(os.path.abspath(os.fsencode(path)) for path in options.exclude)
    with Display("backup", quiet=options.json) as display:

        def progress(at: ArchiveProgress) -> None:
            display.show(at.files_done, at.bytes_done, None, at.current)

        result = archive(
            repository,
            _entries(paths, excluded.__contains__ if excluded else None),
            ArchiveOptions(
                paths=shown,
                tags=options.tag,
                excludes=options.exclude,
                parent=parent,
                compression=not options.no_compression,
            ),
            progress=progress,
        )
    for problem in result.problems:
        print_error(f"error: {name(problem.path)}: {problem.reason}")
    for note in result.notes:
        print_error(f"warning: {note}")
    summary = result.summary
    if options.json:
        problems = [{"path": name(problem.path), "reason": problem.reason} for problem in result.problems]
        print_json({"snapshot": result.snapshot.id, "summary": summary, "problems": problems})
    else:
        print_line(
            f"{summary.files_new} new, {summary.files_changed} changed, {summary.files_unmodified} unchanged files"
        )
        print_line(
            f"{size(summary.total_bytes_processed)} in all files, {size(result.stored_bytes)} added to the repository"
        )
        print_line(f"snapshot {result.snapshot.id[:8]} saved" + (", INCOMPLETE" if result.problems else ""))
    return exit_codes.INCOMPLETE if result.problems else exit_codes.OK


def _latest_of(repository: Repository, paths: tuple[str, ...]) -> Snapshot | None:
    readable, faults = repository.readable_snapshots()
    for fault in faults:
        print_error(f"warning: {fault}")
    return next((snapshot for snapshot in reversed(readable) if snapshot.paths == paths), None)


def _entries(paths: Sequence[bytes], exclude: Callable[[bytes], bool] | None) -> list[Entry]:
    """Return the root entries of the snapshot: every path below its own folders, as in restic."""
    if b"/" in paths:
        with os.scandir(b"/") as listing:
            return [OnDisk(item.name, item.path, exclude) for item in sorted(listing, key=lambda item: item.name)]
    return _nest(b"", [path.lstrip(b"/") for path in paths], exclude)


def _nest(above: bytes, paths: Sequence[bytes], exclude: Callable[[bytes], bool] | None) -> list[Entry]:
    groups: dict[bytes, list[bytes]] = {}
    for path in paths:
        head, _, rest = path.partition(b"/")
        groups.setdefault(head, []).append(rest)
    entries: list[Entry] = []
    for head, rests in groups.items():
        full = above + b"/" + head
        if b"" in rests:
            entries.append(OnDisk(head, full, exclude))
        else:
            status = os.stat(full)
            entries.append(Folder(head, _nest(full, rests, exclude), status.st_mode & 0o7777, status.st_mtime_ns))
    return entries


def snapshots(options: argparse.Namespace) -> int:
    """List restore points."""
    repository = open_repository(options)
    found, faults = repository.readable_snapshots()
    if options.json:
        print_json(
            [
                {
                    "id": snapshot.id,
                    "time": iso_time(snapshot.time_ns),
                    "host": snapshot.hostname,
                    "paths": snapshot.paths,
                    "tags": snapshot.tags,
                    "bytes": snapshot.summary.total_bytes_processed if snapshot.summary else None,
                }
                for snapshot in found
            ]
        )
    else:
        table(
            options,
            ["ID", "Time", "Host", "Tags", "Paths", "Size"],
            [
                [
                    snapshot.id[:8],
                    local_time(snapshot.time_ns, utc=options.utc),
                    snapshot.hostname,
                    ",".join(snapshot.tags),
                    ",".join(snapshot.paths),
                    size(snapshot.summary.total_bytes_processed) if snapshot.summary else "",
                ]
                for snapshot in found
            ],
            optional=("Tags", "Host"),
        )
    for fault in faults:
        print_error(f"error: {fault}")
    return exit_codes.FAILED if faults else exit_codes.OK


def ls(options: argparse.Namespace) -> int:
    """List the content of a snapshot."""
    with reading(options) as (repository, index):
        view = SnapshotView(repository, repository.snapshot(options.snapshot), index)
        prefix = os.fsencode(options.path).strip(b"/")
        tree = view.subtree(prefix)
        if tree is None:
            raise StrongroomError(
                f"Snapshot {view.snapshot.id[:8]} has no folder {name(prefix)}. Without a folder, ls lists everything."
            )
        for path, node in view.walk(tree, prefix):
            slash = "/" if node.kind is NodeKind.DIR else ""
            if options.json:
                record = {
                    "path": name(path),
                    "type": node.kind.value,
                    "size": node.size,
                    "mtime": iso_time(node.mtime_ns),
                }
                print_json(record)
            elif options.long:
                kind, when = node.kind.value, local_time(node.mtime_ns, utc=options.utc)
                print_line(f"{kind:8} {node.permissions:04o} {node.size:>14,} {when} {name(path)}{slash}")
            else:
                print_line(name(path) + slash)
    return exit_codes.OK


def restore_snapshot(options: argparse.Namespace) -> int:
    """Restore a snapshot, or one folder of it, into an empty folder."""
    with reading(options) as (repository, index), Display("restore", quiet=options.json) as display:

        def progress(at: RestoreProgress) -> None:
            display.show(at.files_done, at.bytes_done, at.bytes_total, at.current)

        snapshot = repository.snapshot(options.snapshot)
        result = restore(
            repository,
            snapshot,
            options.target,
            subtree=os.fsencode(options.path).strip(b"/"),
            index=index,
            progress=progress,
        )
    for problem in result.damaged:
        print_error(f"error: {name(problem.path)}: {problem.reason}")
    for problem in result.unapplied:
        print_error(f"warning: {name(problem.path)}: {problem.reason}")
    if options.json:
        print_json(
            {
                "snapshot": snapshot.id,
                "target": str(Path(options.target).absolute()),
                "files": result.files,
                "folders": result.folders,
                "bytes": result.bytes,
                "damaged": [name(problem.path) for problem in result.damaged],
                "unapplied": [name(problem.path) for problem in result.unapplied],
            }
        )
    else:
        print_line(
            f"{result.files} files ({size(result.bytes)}) and {result.folders} folders restored to {options.target}"
        )
        if result.damaged:
            print_line(f"{len(result.damaged)} files or folders could NOT be restored, see above")
    return exit_codes.FAILED if result.damaged else exit_codes.OK


def check_repository(options: argparse.Namespace) -> int:
    """Find damage in a repository."""
    repository = open_repository(options)
    with Display("check", quiet=options.json) as display:

        def progress(at: CheckProgress) -> None:
            display.show(at.packs_done, at.bytes_done, at.bytes_total)

        if options.no_lock:
            report = check(repository, read_data=options.read_data, progress=progress)
        else:
            with read_lock(repository):
                report = check(repository, read_data=options.read_data, progress=progress)
    if options.json:
        print_json({"good": report.good, **dataclasses.asdict(report)})
    else:
        for finding in report.findings:
            print_error(str(finding))
        print_line(
            f"{report.snapshots} snapshots, {report.trees} folders, {report.files} files, {report.packs} packs, "
            f"{size(report.bytes_read)} read"
        )
        print_line("no errors were found" if report.good else f"{len(report.findings)} findings, see above")
    return exit_codes.OK if report.good else exit_codes.FAILED


def key_list(options: argparse.Namespace) -> int:
    """List the keys of a repository."""
    found = open_repository(options).list_keys()
    if options.json:
        print_json(found)
    else:
        table(
            options,
            ["In use", "ID", "User", "Host", "Created"],
            [
                [
                    "yes" if key.in_use else "",
                    key.name[:8],
                    key.username,
                    key.hostname,
                    local_time(parse_time(key.created), utc=options.utc),
                ]
                for key in found
            ],
        )
    return exit_codes.OK


def key_add(options: argparse.Namespace) -> int:
    """Add a passphrase that opens a repository."""
    repository = open_repository(options)
    new = read_new_passphrase(options)
    with repository.lock():
        added = repository.add_key(new)
    print_json({"key": added}) if options.json else print_line(f"key {added[:8]} added; it opens the repository")
    return exit_codes.OK


def key_remove(options: argparse.Namespace) -> int:
    """Remove a passphrase."""
    repository = open_repository(options)
    with repository.lock(exclusive=True):
        removed = repository.remove_key(options.key)
    print_json({"key": removed}) if options.json else print_line(f"key {removed[:8]} removed")
    return exit_codes.OK
