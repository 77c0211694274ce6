"""Access to the catalogue's database."""

import threading

import pytest
from django.db import connections

from apps.backup.errors import LedgerMissing
from apps.backup.ledger import _require_file


@pytest.fixture
def connection(tmp_path, monkeypatch):
    found = connections["default"].copy("ledger")
    monkeypatch.setitem(found.settings_dict, "NAME", str(tmp_path / "ledger.sqlite3"))
    return found


def test_a_file_that_a_swap_has_moved_away_is_waited_for(connection, tmp_path):
    back = threading.Timer(0.2, (tmp_path / "ledger.sqlite3").touch)
    back.start()
    _require_file(connection, "reading")
    back.join()


def test_a_file_that_stays_away_is_named(connection, tmp_path):
    with pytest.raises(LedgerMissing, match=r"while reading: the database file .*ledger.sqlite3' does not exist"):
        _require_file(connection, "reading")
