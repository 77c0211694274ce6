"""An in-process TTL cache for slow answers; concurrent callers share one computation."""

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

_MOST_ENTRIES: Final = 16


class TtlCache(Generic[_Key, _Value]):
    """Answers by key, each valid for `seconds` and as long as the settings stay the same.

    Concurrent callers wait for the first one. Errors are not cached.
    """

    def __init__(self, find: Callable[[_Key, datetime], _Value], *, seconds: float) -> None:
        self._find = find
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[_Key, tuple[float, _Value]] = {}
        self._settings: conf.BackupSettings | None = None

    def get(self, key: _Key) -> _Value:
        """Return the cached answer, or a new one. Raises the errors of the computation, and `SettingsInvalid`.

        The answer itself holds its time, which the computation is given.
        """
        settings = conf.load()
        with self._lock:
            clock = time.monotonic()
            if settings != self._settings:
                self._kept, self._settings = {}, settings
            found = self._kept.get(key)
            if found is None or clock - found[0] > self._seconds:
                if len(self._kept) >= _MOST_ENTRIES:
                    self._kept.clear()
                found = self._kept[key] = (clock, self._find(key, timezone.now()))
            return found[1]

    def forget(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._kept.clear()
