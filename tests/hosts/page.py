"""`docs/hosts.md` as something that can be carried out: its code blocks, found by what they must say.

A cell of the shelf does what the page says and nothing that it does not say. A page without one of these blocks fails
here, with the words that were looked for.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/hosts.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class PageLacks(Exception):
    """The page has no block of code with these words."""


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """The parts that a reader copies: shell lines to build and install, ends of two files, commands in order."""

    build: tuple[tuple[str, ...], ...]
    install: tuple[str, ...]
    settings: str
    urls: str
    commands: tuple[tuple[str, ...], ...]

    def settings_for(self, storage: Path, *, api: bool = True) -> str:
        """The lines for the settings, with a folder of the cell for the backups; without the API no app of it."""
        lines = re.sub(r"^(BACKUP_STORAGE_ROOT = )\S+", rf'\1"{storage}"', self.settings, flags=re.MULTILINE)
        if not api:
            lines = lines.replace('["rest_framework", "edms_backup"]', '["edms_backup"]')
        if f'BACKUP_STORAGE_ROOT = "{storage}"' not in lines or ("rest_framework" in lines) != api:
            raise PageLacks("The page's settings lack BACKUP_STORAGE_ROOT, or name the apps in another way.")
        return lines


def read_page(text: str | None = None) -> Page:
    """Read the page. Raises `PageLacks`."""
    blocks = _BLOCK.findall(PAGE.read_text() if text is None else text)
    python = _first(blocks, "python", "BACKUP_STORAGE_ROOT", "edms_backup")
    cut = python.find("# urls.py")
    settings, urls = (
        (python[:cut], python[cut:]) if cut >= 0 else (python, _first(blocks, "python", "edms_backup.api.urls"))
    )
    making = _lines(_first(blocks, "bash", "pip wheel", "pip install"))
    return Page(
        build=tuple(words for words in making if words[:2] != ("pip", "install")),
        install=next(words for words in making if words[:2] == ("pip", "install")),
        settings=settings,
        urls=urls,
        commands=tuple(
            words[2:]
            for words in _lines(_first(blocks, "bash", "manage.py migrate", "trigger_backup"))
            if words[:2] == ("python", "manage.py")
        ),
    )


def _first(blocks: list[tuple[str, str]], language: str, *words: str) -> str:
    for found, text in blocks:
        if found == language and all(word in text for word in words):
            return text
    raise PageLacks(f"{PAGE.name} has no block of {language} with {', '.join(words)}.")


def _lines(text: str) -> list[tuple[str, ...]]:
    return [tuple(words) for line in text.splitlines() if (words := shlex.split(line, comments=True))]
