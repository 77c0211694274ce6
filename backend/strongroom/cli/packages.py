"""The subcommands for packages: list, verify and unpack one portable file, without a repository."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from strongroom import exit_codes
from strongroom.cli.access import given_passphrase
from strongroom.cli.output import Display, iso_time, local_time, name, print_error, print_json, print_line, size
from strongroom.errors import PackageLocked, PackageRefused
from strongroom.packages import (
    Comparison,
    Contents,
    Member,
    Package,
    compare,
    open_package,
    read_contents,
    require_empty,
    unpack,
)
from strongroom.packages.reader import Progress
from strongroom.packages.spool import Spool

_PIECE = 1 << 16


def list_members(options: argparse.Namespace) -> int:
    """List the content of a package and check it. Members before the first damage are listed, too."""
    shape = _record if options.json else functools.partial(_long, utc=options.utc) if options.long else _short
    with contextlib.closing(Spool()) as waiting:
        # The manifest, printed first, is read last: the lines of the members wait until everything was read.
        package, contents, failure = None, None, ""
        try:
            with _shown("reading", options) as progress:
                package = open_package(
                    Path(options.file),
                    passphrase=lambda: given_passphrase(options),
                    progress=progress,
                    seen=lambda member: waiting.write(shape(member).encode() + b"\n"),
                )
            contents = read_contents(package)
        except PackageLocked:
            raise
        except PackageRefused as error:
            failure = str(error)
        waiting.rewind()
        if options.json:
            members = [msgspec.Raw(line) for line in _lines(waiting)]
            print_json({**_facts(options, package), "contents": contents, "members": members, "error": failure or None})
        else:
            if contents is not None:
                _print_contents(contents)
            for line in _lines(waiting):
                print_line(line.decode())
            if package is not None:
                print_line(_whole(package))
    if failure:
        print_error(f"error: {failure}")
    return exit_codes.FAILED if failure else exit_codes.OK


def verify(options: argparse.Namespace) -> int:
    """Read every byte of a package, and compare it with its list of hashes and its manifest."""
    package = None
    try:
        package = _open(options)
        contents = read_contents(package)
        with _shown("comparing with the manifest", options) as progress:
            found = compare(package, contents, progress=progress)
    except PackageLocked:
        raise
    except PackageRefused as error:
        found = Comparison([str(error)], [])
    if options.json:
        print_json({**_facts(options, package), "good": not found.findings, **dataclasses.asdict(found)})
    else:
        for finding in found.findings:
            print_error(f"error: {finding}")
        for note in found.notes:
            print_error(f"warning: {note}")
        if package is not None and not found.findings:
            print_line(_whole(package))
    if found.findings:
        return exit_codes.FAILED
    return exit_codes.INCOMPLETE if found.notes else exit_codes.OK


def unpack_members(options: argparse.Namespace) -> int:
    """Check a package, then unpack it, or a part of it, into an empty folder."""
    target = Path(options.target)
    # Before a large package is read.
    require_empty(target)
    package = _open(options)
    with _shown("unpacking", options, package.total.bytes) as progress:
        written = unpack(package, target, inside=os.fsencode(options.path).strip(b"/"), progress=progress)
    if options.json:
        print_json({"package": str(package.path), "target": str(target.absolute()), **dataclasses.asdict(written)})
    else:
        print_line(f"{written.files} files ({size(written.bytes)}) and {written.folders} folders unpacked to {target}")
    return exit_codes.OK


@contextlib.contextmanager
def _shown(doing: str, options: argparse.Namespace, total: int | None = None) -> Iterator[Progress]:
    with Display(doing, quiet=options.json) as display:
        yield lambda files, done: display.show(files, done, total)


def _open(options: argparse.Namespace) -> Package:
    with _shown("reading", options) as progress:
        return open_package(Path(options.file), passphrase=lambda: given_passphrase(options), progress=progress)


def _facts(options: argparse.Namespace, package: Package | None) -> dict[str, object]:
    """Return the fields that every JSON result has. Only an intact package has counts."""
    facts: dict[str, object] = {"package": options.file, "whole": package is not None}
    return facts if package is None else {**facts, **dataclasses.asdict(package.total)}


def _whole(package: Package) -> str:
    total = package.total
    return f"intact: {total.files:,} files ({size(total.bytes)}) and {total.folders:,} folders, all hashes match"


def _print_contents(contents: Contents) -> None:
    print_line(f"backup of {_text(contents.cut_at)} by {_text(contents.software)}")
    for dump in contents.databases:
        rows, engine = sum(dump.tables.values()), f"{_text(dump.engine)} {_text(dump.server_version)}".strip()
        print_line(
            f"database {_text(dump.alias)}: {len(dump.tables):,} tables, {rows:,} rows, {size(dump.size)} ({engine})"
        )
    for data in contents.data:
        rows = sum(table.rows for table in data.tables)
        print_line(f"data {_text(data.alias)}: {len(data.tables):,} tables, {rows:,} rows, as text")
    for root in contents.files:
        print_line(f"files {_text(root.name)}: {root.files:,} files, {size(root.bytes)}")
    if contents.problems:
        print_line(f"INCOMPLETE: {contents.problems:,} files or folders could not be read when it was made")
    print_line("")


def _text(value: str) -> str:
    return name(value.encode("utf-8", "surrogatepass"))


def _path(member: Member) -> str:
    return name(member.name) + ("/" if member.is_folder else "")


def _short(member: Member) -> str:
    return f"{'' if member.is_folder else size(member.size):>12}  {_path(member)}"


def _long(member: Member, *, utc: bool) -> str:
    kind, owner = "d" if member.is_folder else "-", f"{member.uid}:{member.gid}"
    when = local_time(member.mtime_ns, utc=utc)
    return f"{kind}{member.mode:04o} {owner:>11} {_short(member)[:12]} {when}  {_path(member)}"


def _record(member: Member) -> str:
    record = {
        "path": name(member.name),
        "type": "dir" if member.is_folder else "file",
        "size": member.size,
        "mode": f"{member.mode:04o}",
        "uid": member.uid,
        "gid": member.gid,
        "mtime": iso_time(member.mtime_ns),
    }
    return msgspec.json.encode(record).decode()


def _lines(spool: Spool) -> Iterator[bytes]:
    rest = b""
    while piece := spool.read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
