"""An EDMS whose storage is a small disk of its own, which can be filled, or mounted read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.small_disk import SIZE, Disk, mount


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
