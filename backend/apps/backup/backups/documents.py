"""Find a document in a backup by its number, title or date, without restoring it."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Iterator
from typing import Final

from strongroom.streams import Reader

from ..core.titled_files import NAME, TitledFile, decode_lines
from ..selectors.backups import stored_backup
from ..sources.streams import CHUNK, DumpPlace
from ..sources.verify import SnapshotPlace
from .open_backup import open_snapshot
from .references import job_ref

_SEARCH_SECONDS: Final = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class FoundDocuments:
    """The files whose titles match, sorted by title, at most the limit.

    `available` is False where the backup has no titles: a package, a backup of files or databases alone, or one that
    was made before titles were stored. `cut_off` says why a search is incomplete: "limit" or "time".
    """

    available: bool
    results: list[TitledFile] = dataclasses.field(default_factory=list)
    cut_off: str | None = None


def find_documents(job: uuid.UUID, text: str, *, limit: int) -> FoundDocuments:
    """Search the titles of a job's backup for a few seconds; see `search_titles`."""
    row = stored_backup(job)
    ref = job_ref(row)
    if ref.package is not None:
        return FoundDocuments(available=False)
    with open_snapshot(row, ref) as (view, _):
        return search_titles(SnapshotPlace(view), text, limit=limit, seconds=_SEARCH_SECONDS)


def search_titles(place: DumpPlace, text: str, *, limit: int, seconds: float) -> FoundDocuments:
    """Return the files whose title, date and name contain every word of the text, in any letter case.

    Raises `TitlesInvalid`, and the error that keeps the backup from being read.
    """
    try:
        found = _found(place, text.casefold().split(), limit=limit, seconds=seconds)
    except KeyError:
        return FoundDocuments(available=False)
    return dataclasses.replace(found, results=sorted(found.results, key=lambda one: (one.title, one.path)))


def _found(place: DumpPlace, words: list[str], *, limit: int, seconds: float) -> FoundDocuments:
    until = time.monotonic() + seconds
    found = FoundDocuments(available=True)
    with place.open_member(NAME) as stream:
        for one in decode_lines(_pieces(stream)):
            if time.monotonic() > until:
                return dataclasses.replace(found, cut_off="time")
            if _matches(one, words):
                if len(found.results) == limit:
                    return dataclasses.replace(found, cut_off="limit")
                found.results.append(one)
    return found


def _matches(one: TitledFile, words: list[str]) -> bool:
    text = f"{one.title} {one.date} {one.path.rpartition('/')[2]}".casefold()
    return all(word in text for word in words)


def _pieces(stream: Reader) -> Iterator[bytes]:
    while piece := stream.read(CHUNK):
        yield piece
