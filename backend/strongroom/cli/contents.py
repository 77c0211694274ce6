"""The subcommands that look into snapshots: stats, diff, find and mount."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from strongroom import exit_codes
from strongroom.cli.access import reading
from strongroom.cli.output import iso_time, local_time, name, print_error, print_json, print_line, print_record, size
from strongroom.differ import Comparison, Tally
from strongroom.errors import StrongroomError
from strongroom.finder import Query, blobs_named, blobs_of_packs, find, find_blobs
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node
from strongroom.ids import BlobId, BlobKind
from strongroom.repository import Index, Repository
from strongroom.snapshots import SnapshotView
from strongroom.statistics import Mode, measure
from strongroom.webdav import Server, Tree


def stats(options: argparse.Namespace) -> int:
    """Show how much data snapshots hold."""
    with reading(options) as (repository, index):
        result = measure(repository, index, _chosen(repository, options.snapshots), Mode(options.mode))
    if options.json:
        record = {"total_size": result.size, "snapshots_count": result.snapshots}
        counts = {"total_file_count": result.files, "total_blob_count": result.blobs}
        print_json({**record, **counts, "total_uncompressed_size": result.uncompressed_size})
        return exit_codes.OK
    print_line(f"Mode:       {options.mode}")
    print_line(f"Snapshots:  {result.snapshots:,}")
    if result.files:
        print_line(f"Files:      {result.files:,}")
    if result.blobs:
        print_line(f"Blobs:      {result.blobs:,}")
    if result.uncompressed_size:
        print_line(f"Plain size: {size(result.uncompressed_size)}")
    print_line(f"Total size: {size(result.size)}")
    return exit_codes.OK


def _chosen(repository: Repository, prefixes: list[str]) -> list[Snapshot]:
    """Return the named snapshots, each once, or all."""
    if not prefixes:
        return repository.snapshots()
    return list({found.id: found for found in map(repository.snapshot, prefixes)}.values())


def diff(options: argparse.Namespace) -> int:
    """Compare two snapshots."""
    with reading(options) as (repository, index):
        before, after = (SnapshotView(repository, repository.snapshot(one), index) for one in options.snapshots)
        comparison = Comparison(before, after, metadata=options.metadata)
        if not options.json:
            print_line(f"comparing snapshot {before.snapshot.id[:8]} to {after.snapshot.id[:8]}\n")
        for change in comparison.changes():
            shown = name(change.path) + ("/" if change.is_folder else "")
            if options.json:
                print_record({"message_type": "change", "path": shown, "modifier": change.modifier})
            else:
                print_line(f"{change.modifier:<5}{shown}")
    _show_statistics(options, comparison, before.snapshot, after.snapshot)
    return exit_codes.OK


def _show_statistics(options: argparse.Namespace, seen: Comparison, before: Snapshot, after: Snapshot) -> None:
    added, removed = seen.added, seen.removed
    if options.json:
        ids = {"source_snapshot": before.id, "target_snapshot": after.id, "changed_files": seen.changed_files}
        print_record(
            {"message_type": "statistics", **ids, "added": _tally(added), "removed": _tally(removed)},
        )
        return
    print_line(f"\nFiles:       {added.files:5} new, {removed.files:5} removed, {seen.changed_files:5} changed")
    print_line(f"Dirs:        {added.folders:5} new, {removed.folders:5} removed")
    print_line(f"Others:      {added.others:5} new, {removed.others:5} removed")
    print_line(f"Data Blobs:  {added.data_blobs:5} new, {removed.data_blobs:5} removed")
    print_line(f"Tree Blobs:  {added.tree_blobs:5} new, {removed.tree_blobs:5} removed")
    print_line(f"  Added:   {size(added.bytes)}")
    print_line(f"  Removed: {size(removed.bytes)}")


def _tally(tally: Tally) -> dict[str, int]:
    values = dataclasses.asdict(tally)
    return {"dirs" if field == "folders" else field: value for field, value in values.items()}


def find_files(options: argparse.Namespace) -> int:
    """Find files in snapshots. Exit code 1 if there are none."""
    by_blob = options.blob or options.tree or options.pack
    if bool(options.patterns) == bool(by_blob):
        print_error("error: Give either patterns, or one of --blob, --tree and --pack.")
        return exit_codes.USAGE
    found = 0
    with reading(options) as (repository, index):
        wanted = list(_wanted_blobs(options, index)) if by_blob else []
        for snapshot in _chosen(repository, options.snapshot):
            view = SnapshotView(repository, snapshot, index)
            shown = False
            for path, node, blob in _matches(options, view, wanted):
                found += 1
                if not options.json and not shown:
                    when = local_time(snapshot.time_ns, utc=options.utc)
                    print_line(f"snapshot {snapshot.id[:8]} of {when}")
                shown = True
                _show_match(options, snapshot, path, node, blob)
    if not found:
        print_error("No matching files found.")
    return exit_codes.OK if found else exit_codes.FAILED


_Match = tuple[bytes, Node, tuple[BlobKind, BlobId] | None]


def _matches(
    options: argparse.Namespace, view: SnapshotView, wanted: list[tuple[BlobKind, BlobId]]
) -> Iterator[_Match]:
    if not options.patterns:
        return ((path, node, (kind, blob)) for path, node, kind, blob in find_blobs(view, wanted))
    query = Query(options.patterns, options.ignore_case, _nanoseconds(options.oldest), _nanoseconds(options.newest))
    return ((path, node, None) for path, node in find(view, query))


def _wanted_blobs(options: argparse.Namespace, index: Index) -> Iterator[tuple[BlobKind, BlobId]]:
    for prefixes, kind in ((options.blob, BlobKind.DATA), (options.tree, BlobKind.TREE)):
        for prefix in prefixes:
            found = blobs_named(index, prefix, kind)
            if not found:
                raise StrongroomError(f"The index has no {kind.name.lower()} blob whose id begins with {prefix!r}.")
            yield from found
    for prefix in options.pack:
        found = blobs_of_packs(index, prefix)
        if not found:
            raise StrongroomError(f"The index has no pack whose name begins with {prefix!r}.")
        yield from found


def _show_match(
    options: argparse.Namespace, snapshot: Snapshot, path: bytes, node: Node, blob: tuple[BlobKind, BlobId] | None
) -> None:
    shown = "/" + name(path)
    named = {} if blob is None else {blob[0].name.lower(): blob[1].hex()}
    if options.json:
        record = {"snapshot": snapshot.id, "path": shown, "type": node.kind.value, "size": node.size}
        print_record({**record, "mtime": iso_time(node.mtime_ns), **named})
        return
    facts = f"{node.kind.value:8} {node.permissions:04o} {node.size:>14,} {local_time(node.mtime_ns, utc=options.utc)} "
    needs = "".join(f"  needs {kind} blob {identity}" for kind, identity in named.items())
    print_line(f"{facts if options.long else ''}{shown}{needs}")


def _nanoseconds(at: datetime | None) -> int | None:
    if at is None:
        return None
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def mount(options: argparse.Namespace) -> int:
    """Serve the snapshots as read-only WebDAV folders on 127.0.0.1 until Ctrl-C."""
    with reading(options) as (repository, index), Server(Tree(repository, index), options.port) as server:
        if options.json:
            print_record({"address": server.address})
        else:
            print_line(server.address)
            print_error("Open this address as a WebDAV folder. Everyone who knows it can read. Ctrl-C ends.")
        sys.stdout.flush()
        # A parent such as a script in the background may have ignored Ctrl-C, which is the only way out.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    return exit_codes.OK
