"""Other users of the machine cannot read the data of the EDMS, whatever the mode of its home."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from apps.documents.checks import check_folders


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user can pass through, such as an EDMS_HOME that existed before."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_data_readable_by_every_user_is_a_finding(home, settings, monkeypatch):
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
