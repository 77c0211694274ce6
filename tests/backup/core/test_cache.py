"""Concurrent callers of the cache share one computation; its answers expire."""

from __future__ import annotations

import threading
import time

import pytest

from apps.backup.core.cache import TtlCache


def test_many_who_ask_at_once_cost_as_much_as_one():
    found = []

    def find(key: str, now) -> str:
        found.append(key)
        time.sleep(0.05)
        return key.upper()

    remembered: TtlCache[str, str] = TtlCache(find, seconds=60)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(remembered.get("a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, found) == (["A"] * 8, ["a"])
    assert remembered.get("b") == "B"
    remembered.forget()
    assert remembered.get("a") == "A"
    assert found == ["a", "b", "a"]


def test_it_is_found_out_anew_after_its_time_and_under_other_settings(settings, tmp_path):
    count = iter(range(10))
    remembered: TtlCache[str, int] = TtlCache(lambda key, now: next(count), seconds=0.05)
    assert [remembered.get("a"), remembered.get("a")] == [0, 0]
    time.sleep(0.06)
    assert remembered.get("a") == 1
    settings.BACKUP_STORAGE_ROOT = tmp_path / "elsewhere"
    assert remembered.get("a") == 2


def test_an_error_is_not_kept():
    outcomes = [OSError("away"), "there"]

    def find(key: str, now) -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    remembered: TtlCache[str, str] = TtlCache(find, seconds=60)
    with pytest.raises(OSError, match="away"):
        remembered.get("a")
    assert remembered.get("a") == "there"
