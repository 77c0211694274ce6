"""Read the tables of a package in portable form, one after the other, with their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from strongroom.streams import Reader

from ...core.manifest import TableRecord
from ...portable.forms import Row
from ...portable.rows import read_rows
from ...portable.tables import FOLDER
from ..backup_source import Origin, Progress


def each_table(
    origin: Origin,
    tables: Mapping[str, TableRecord],
    progress: Progress,
    *,
    others: Callable[[str], object] | None = None,
) -> Iterator[tuple[str, Iterator[Sequence[Row]]]]:
    """Yield those of `tables` that the package has, in its order, each as path and rows, to be read before the next.

    Reading the rows may raise `NotPortable`; the next table can be read nevertheless. `others` is called with the path
    of each other entry.
    """
    done = files = 0

    def rows(table: TableRecord, content: Reader) -> Iterator[Sequence[Row]]:
        for some in read_rows(table, content):
            yield some
            progress(files, done)

    with origin.members(FOLDER.encode()) as members:
        for path, content in members:
            if path not in tables:
                if others is not None:
                    others(path)
                continue
            yield path, rows(tables[path], content)
            done, files = done + tables[path].size, files + 1
            progress(files, done)
