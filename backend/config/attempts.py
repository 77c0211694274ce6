"""Limit failed sign-ins: by user name and address, and by address alone.

Only failures count, so that a correct password never locks its user out, and failures from one address do not lock out
users at other addresses. Counted in Django's default cache.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from apps.backup.api.client_address import client_address, parse_address

WINDOW: Final = 60
"""Seconds over which failures are counted."""
FAILURES_OF_ONE: Final = 10
"""The limit for one user name from one address."""
FAILURES_OF_ADDRESS: Final = 30
"""The limit for one address: an office behind one router shares it."""

_OF_ONE_CLIENT: Final = 64
"""The bits of an IPv6 address that identify a client: it owns the remaining bits."""


class Attempt:
    """One attempt to sign in. It counts as failed from the start, so that parallel attempts cannot pass the limit."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        client = _client(request)
        limits = {_key(client): FAILURES_OF_ADDRESS, _key(client, name): FAILURES_OF_ONE}
        self._keys = tuple(limits)
        refused = [key for key, most in limits.items() if _count(key, +1) > most]
        self.wait = max(map(_seconds_left, refused), default=0)
        """Seconds until the next attempt is allowed; 0 if this one is allowed."""

    def succeeded(self) -> None:
        """Remove this attempt from the count."""
        for key in self._keys:
            _count(key, -1)


def _client(request: HttpRequest) -> str:
    address = client_address(request.META)
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _OF_ONE_CLIENT), strict=False))
    return address


def _key(*parts: object) -> str:
    # A name may be too long for a cache key, or have invalid characters.
    return f"edms-sign-in-{hashlib.sha256(repr(parts).encode()).hexdigest()}"


def _count(key: str, step: int) -> int:
    """Change the count of failures in the current window, which the first failure begins. Return the count."""
    if cache.add(key, 0, timeout=WINDOW):
        cache.set(f"{key}-end", time.time() + WINDOW, timeout=WINDOW)
    try:
        return cache.incr(key, step)
    except ValueError:
        # The window has just ended, or the cache has evicted the count: this attempt is the first.
        return max(step, 0)


def _seconds_left(key: str) -> int:
    end: float = cache.get(f"{key}-end", 0.0)
    return max(1, math.ceil(end - time.time()))
