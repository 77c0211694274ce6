"""Real files for the demo: documentation and sources found on the machine it runs on, of many kinds and sizes."""

import os
import shutil
import sysconfig
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

MOST_FILES: Final = 3_000
MOST_BYTES: Final = 120_000_000
LARGEST_FILE: Final = 16_000_000
LATER_FILES: Final = 150
# The largest space that the story takes at once: the files themselves, the EDMS's copies, two references, the backups,
# and during a restore the restored and the replaced files.
COPIES: Final = 7
PLACES: Final = ("/usr/share/doc", "/usr/share", "/usr/lib/python3", "/usr/lib/python3.11", "/usr/include")

# Names that file systems allow and programs stumble over; each is given to a copy of a real file.
AWKWARD_NAMES: Final = (
    b"caf\xe9 in Latin-1.txt",
    b"line\nbreak and \x1b[31mescape.txt",
    b"100%25 'quoted' \"twice\".txt",
    b" leading and trailing ",
    "ünïcödé 文書.txt".encode(),
    b"n" * 251 + b".txt",
)


class CorpusError(Exception):
    """Nothing to work on was found, or there is no room for it; the text says what to do."""


@dataclass(frozen=True)
class Found:
    """A regular file of the machine, and its size in bytes."""

    path: bytes
    size: int

    @property
    def kind(self) -> bytes:
        """Its ending, in lower case."""
        return os.path.splitext(self.path)[1].lower()  # noqa: PTH122 - a name here is bytes of any encoding


@dataclass(frozen=True)
class Corpus:
    """Two folders of files: what is taken in at first, and what comes later."""

    first: Path
    later: Path


def corpus_make(folder: Path, *, documents: Path | None) -> Corpus:
    """Choose files of this machine and copy them into `folder`; the user's own `documents`, where given, come first.

    The user's folder is used where it is, and nothing in it is changed. Raises CorpusError.
    """
    chosen = choose((*PLACES, sysconfig.get_path("stdlib")))
    later, first = chosen[:LATER_FILES], chosen[LATER_FILES:]
    sources = first if documents is None else _walk(os.fsencode(documents))
    _need_room(folder.parent, COPIES * sum(found.size for found in (*sources, *later)))
    folder.mkdir()
    if documents is not None:
        _copy(later, folder / "later")
        return Corpus(documents, folder / "later")
    if not first:
        raise CorpusError(f"Too few files were found in {', '.join(PLACES)}: name a folder with DOCUMENTS=folder.")
    _copy(first, folder / "first")
    _copy(later, folder / "later")
    _add_awkward(first[0].path, os.fsencode(folder / "first"))
    return Corpus(folder / "first", folder / "later")


def choose(places: Sequence[str]) -> list[Found]:
    """Files of all kinds in turn, so that rare kinds are there too, within the bounds of number and size."""
    kinds: dict[bytes, list[Found]] = defaultdict(list)
    seen: set[bytes] = set()
    for place in places:
        for found in _walk(os.fsencode(place)):
            if found.path not in seen and found.size <= LARGEST_FILE:
                seen.add(found.path)
                kinds[found.kind].append(found)
    chosen: list[Found] = []
    size = 0
    # Spread over all folders, and the same choice in every run on one machine.
    waiting = [iter(sorted(kinds[kind], key=lambda found: sha256(found.path).digest())) for kind in sorted(kinds)]
    while waiting and len(chosen) < MOST_FILES:
        for group in list(waiting):
            found_next = next(group, None)
            if found_next is None:
                waiting.remove(group)
            elif size + found_next.size <= MOST_BYTES and len(chosen) < MOST_FILES:
                chosen.append(found_next)
                size += found_next.size
    return chosen


def _walk(folder: bytes) -> Iterator[Found]:
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(here, name)  # noqa: PTH118 - bytes
            # Only what can be read and is a file itself; links would bring the same content again.
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):  # noqa: PTH113, PTH114
                yield Found(path, os.lstat(path).st_size)


def _need_room(folder: Path, needed: int) -> None:
    room = shutil.disk_usage(folder).free
    if needed > room:
        raise CorpusError(
            f"{folder} has {room:,} free bytes, and the demo may need {needed:,}: name a roomier folder, KEEP=folder."
        )


def _copy(files: Sequence[Found], folder: Path) -> None:
    folder.mkdir()
    for found in files:
        target = os.fsencode(folder) + found.path
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH120 - bytes
        shutil.copy2(found.path, target)


def _add_awkward(path: bytes, folder: bytes) -> None:
    place = folder + b"/awkward names"
    os.mkdir(place)  # noqa: PTH102 - bytes
    for name in AWKWARD_NAMES:
        shutil.copy2(path, place + b"/" + name)
    with open(place + b"/empty", "wb"):
        pass
