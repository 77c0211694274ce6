"""Find the files of a console page in the manifest of the build."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Final

import msgspec
from django.templatetags.static import static

FOLDER: Final = "backup/console"
_ICON: Final = "src/components/icon.svg"
_MANIFEST: Final = Path(__file__).resolve().parents[1] / "static" / FOLDER / "manifest.json"


class _Chunk(msgspec.Struct, frozen=True):
    """A file of the build, with its styles and imports."""

    file: str
    css: list[str] = []
    imports: list[str] = []


@dataclasses.dataclass(frozen=True, slots=True)
class Assets:
    """The addresses of the icon, an entry's script, its styles, and the scripts that it imports."""

    icon: str
    script: str
    styles: tuple[str, ...]
    preloads: tuple[str, ...]


class NotBuilt(Exception):
    """The console has not been built."""


def assets_of(entry: str) -> Assets:
    """Return the assets that the page of an entry needs. Raises `NotBuilt`."""
    try:
        changed = _MANIFEST.stat().st_mtime_ns
    except FileNotFoundError:
        raise NotBuilt(
            f"The console is not built: {_MANIFEST} does not exist. Run tools/build-console, which needs Node."
        ) from None
    return _assets(entry, changed)


@functools.lru_cache(maxsize=8)
def _assets(entry: str, _changed: int) -> Assets:
    chunks = msgspec.json.decode(_MANIFEST.read_bytes(), type=dict[str, _Chunk])
    needed: dict[str, _Chunk] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = chunks[name]
            waiting += chunks[name].imports
    styles = dict.fromkeys(style for chunk in needed.values() for style in chunk.css)
    return Assets(
        icon=_address(chunks[_ICON].file),
        script=_address(chunks[entry].file),
        styles=tuple(map(_address, styles)),
        preloads=tuple(_address(chunk.file) for name, chunk in needed.items() if name != entry),
    )


def _address(file: str) -> str:
    return static(f"{FOLDER}/{file}")
