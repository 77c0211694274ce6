"""What takes long to find out, kept in the process for a few seconds: many who ask at once cost as much as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final, Generic, TypeVar

from django.utils import timezone

from .. import conf

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

_MOST: Final = 16


class TtlCache(Generic[_Key, _Value]):
    """Answers by question, each for so many seconds, under the settings that they were found with.

    Whoever asks meanwhile waits for whoever asked first. Errors are not kept.
    """

    def __init__(self, find: Callable[[_Key, datetime], _Value], *, seconds: float) -> None:
        self._find = find
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[float, _Value]] = {}
        self._settings: conf.BackupSettings | None = None

    def get(self, key: _Key) -> _Value:
        """The answer; it says itself from when it is. Raises what finding it out raises, and `SettingsInvalid`."""
        settings = conf.load()
        with self._lock:
            clock = time.monotonic()
            if settings != self._settings:
                self._kept, self._settings = {}, settings
            found = self._kept.get(key)
            if found is None or clock - found[0] > self._seconds:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                found = self._kept[key] = (clock, self._find(key, timezone.now()))
            return found[1]

    def forget(self) -> None:
        """Find everything out anew."""
        with self._lock:
            self._kept.clear()
