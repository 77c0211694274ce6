"""What belongs to the users of the EDMS is not for every user of the machine, whatever mode its home has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from apps.documents.checks import check_folders


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may go through, as an EDMS_HOME that was there before."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_what_everybody_can_read_is_a_finding(home, settings, monkeypatch):
    settings.MEDIA_ROOT = home / "media"
    settings.MEDIA_ROOT.mkdir(mode=0o755)
    file = home / "edms.sqlite3"
    file.touch(0o644)
    monkeypatch.setitem(connections["default"].settings_dict, "NAME", str(file))
    assert [(one.id, one.msg.split()[-1]) for one in check_folders()] == [
        ("documents.W001", f"{settings.MEDIA_ROOT}."),
        ("documents.W001", f"{file}."),
    ]
    settings.MEDIA_ROOT.chmod(0o750)
    file.chmod(0o600)
    assert check_folders() == []
    settings.MEDIA_ROOT.chmod(0o755)
    home.chmod(0o700)
    assert check_folders() == []
