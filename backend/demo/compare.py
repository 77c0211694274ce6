"""Two captures of a database, or two trees of files, compared in order, in constant memory; differences are named."""

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from .tables import LEDGER_PREFIX

CHUNK: Final = 1024 * 1024
SHOWN: Final = 120

Key = TypeVar("Key", tuple[str, str], tuple[bytes, ...])
Item = TypeVar("Item")


@dataclass
class Comparison:
    """How much was compared, in rows or files and bytes, how many differences there are, and the first of them."""

    compared: int = 0
    size: int = 0
    tables: int = 0
    differences: int = 0
    first: str | None = None
    ledger: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def identical(self) -> bool:
        """Whether there is no difference at all."""
        return self.differences == 0

    def differ(self, text: str) -> None:
        """Note a difference."""
        self.differences += 1
        self.first = self.first or text


def compare_tables(reference: Path, live: Path) -> Comparison:
    """Compare two captures: schema, tables and every value. The catalogue's tables are counted, and not compared.

    `Comparison.ledger` has the catalogue's tables with their numbers of rows in both.
    """
    result = Comparison()
    with closing(sqlite3.connect(reference)) as old, closing(sqlite3.connect(live)) as new:
        names = {tab: json.loads(listed) for tab, listed in old.execute("SELECT tab, names FROM columns")}
        result.tables = sum(not name.startswith(("(", LEDGER_PREFIX)) for name in names)
        for key, was, now in _merged(_rows(old), _rows(new)):
            result.compared += not key[0].startswith("(")
            where = f"table {key[0]}, row {_short(key[1])}"
            if was is None:
                result.differ(f"{where}: is there, and was not")
            elif now is None:
                result.differ(f"{where}: is missing")
            elif was != now:
                result.differ(f"{where}: {_first_value(names[key[0]], was, now)}")
        before, after = _ledger(old), _ledger(new)
        result.ledger = {name: (before.get(name, 0), after.get(name, 0)) for name in sorted(before | after)}
    return result


def compare_trees(reference: Path, live: Path) -> Comparison:
    """Compare two folders: names, kinds, modes, owners, times to the nanosecond, link targets and every byte."""
    result = Comparison()
    if not live.is_dir():
        result.differ(f"the folder {live} is missing")
        return result
    old_root, new_root = os.fsencode(reference), os.fsencode(live)
    for key, was, now in _merged(_entries(old_root, ()), _entries(new_root, ())):
        result.compared += 1
        name = b"/".join(key)
        where = f"file {os.fsdecode(name)!r}"
        if was is None:
            result.differ(f"{where}: is there, and was not")
        elif now is None:
            result.differ(f"{where}: is missing")
        else:
            result.size += was.st_size if stat.S_ISREG(was.st_mode) else 0
            difference = first_attribute(was, now) or _first_content(
                old_root + b"/" + name, new_root + b"/" + name, was
            )
            if difference:
                result.differ(f"{where}: {difference}")
    return result


def _merged(
    old: Iterator[tuple[Key, Item]], new: Iterator[tuple[Key, Item]]
) -> Iterator[tuple[Key, Item | None, Item | None]]:
    """Pairs of what has the same key in two sorted streams, with None where one of them lacks it."""
    was, now = next(old, None), next(new, None)
    while was is not None or now is not None:
        if now is None or (was is not None and was[0] < now[0]):
            assert was is not None  # the loop's condition
            yield was[0], was[1], None
            was = next(old, None)
        elif was is None or now[0] < was[0]:
            yield now[0], None, now[1]
            now = next(new, None)
        else:
            yield was[0], was[1], now[1]
            was, now = next(old, None), next(new, None)


def _rows(capture: sqlite3.Connection) -> Iterator[tuple[tuple[str, str], str]]:
    query = "SELECT tab, key, content FROM rows WHERE catalogue = 0 ORDER BY tab, key, content"
    for tab, key, content in capture.execute(query):
        yield (tab, key), content


def _ledger(capture: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT tab, count(*) FROM rows WHERE catalogue = 1 AND tab LIKE 'backup\\_%' ESCAPE '\\' GROUP BY tab"
    return dict(capture.execute(query).fetchall())


def _first_value(columns: list[str], was: str, now: str) -> str:
    old, new = json.loads(was), json.loads(now)
    if len(old) != len(new):
        return f"has {len(new)} columns instead of {len(old)}"
    pairs = zip(columns, old, new, strict=True)
    return next(f"{name} is {_short(b)} and was {_short(a)}" for name, a, b in pairs if a != b)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _entries(folder: bytes, place: tuple[bytes, ...]) -> Iterator[tuple[tuple[bytes, ...], os.stat_result]]:
    """Everything in the folder, itself first, in the order of the parts of the names."""
    yield place or (b".",), os.lstat(folder)
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        where = (*place, entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path, where)
        else:
            yield where, os.lstat(entry.path)


def first_attribute(was: os.stat_result, now: os.stat_result) -> str | None:
    """Name the first difference in kind, mode, owner, time or size of two files; None if there is none."""
    if stat.S_IFMT(was.st_mode) != stat.S_IFMT(now.st_mode):
        return f"is of the kind {stat.filemode(now.st_mode)[0]} and was {stat.filemode(was.st_mode)[0]}"
    if was.st_mode != now.st_mode:
        return f"mode is {stat.S_IMODE(now.st_mode):04o} and was {stat.S_IMODE(was.st_mode):04o}"
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        return f"owner is {now.st_uid}:{now.st_gid} and was {was.st_uid}:{was.st_gid}"
    if was.st_mtime_ns != now.st_mtime_ns:
        return f"mtime is {now.st_mtime_ns} ns and was {was.st_mtime_ns} ns"
    if stat.S_ISREG(was.st_mode) and was.st_size != now.st_size:
        return f"has {now.st_size} bytes and had {was.st_size}"
    return None


def _first_content(old: bytes, new: bytes, was: os.stat_result) -> str | None:
    if stat.S_ISLNK(was.st_mode):
        before, after = os.readlink(old), os.readlink(new)  # noqa: PTH115 - bytes
        return None if before == after else f"points to {after!r} and pointed to {before!r}"
    if not stat.S_ISREG(was.st_mode):
        return None
    with open(old, "rb") as old_file, open(new, "rb") as new_file:
        position = 0
        while True:
            before, after = old_file.read(CHUNK), new_file.read(CHUNK)
            if before != after:
                pairs = enumerate(zip(before, after, strict=False))
                first = next((index for index, (a, b) in pairs if a != b), min(len(before), len(after)))
                return f"differs from byte {position + first} on"
            if not before:
                return None
            position += len(before)
