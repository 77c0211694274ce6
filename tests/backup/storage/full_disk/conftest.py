"""An EDMS whose storage is a small disk of its own, which can be filled, or mounted read-only."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms

SIZE = "96m"


@dataclasses.dataclass
class Disk:
    """A mounted file system."""

    path: Path

    def fill(self) -> None:
        """Leave no byte."""
        with contextlib.suppress(OSError), (self.path / "filler").open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)

    def make_read_only(self) -> None:
        mount("-o", "remount,ro", str(self.path))


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@pytest.fixture
def disk(new_edms: Edms, tmp_path: Path) -> Iterator[Disk]:
    """The storage of `edms`."""
    place = new_edms.storage
    place.mkdir(mode=0o700)
    mount("-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "none", str(place))
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


@pytest.fixture
def edms(disk: Disk, new_edms: Edms, tmp_path: Path) -> Edms:
    """The EDMS on it, with a repository and a fallback folder."""
    new_edms.have_repository()
    fallback = tmp_path / "fallback"
    new_edms.environment["BACKUP_FALLBACK_ROOT"] = str(fallback)
    return new_edms
