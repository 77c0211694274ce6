"""How often somebody may fail to sign in: with one name from one address, and from one address with whatever names.

Only failures count, so that nobody who knows a password is kept out by having used it, and nobody is kept out from an
address of their own by what others try elsewhere. Counted in Django's default cache.
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
"""With one name from one address."""
FAILURES_OF_ADDRESS: Final = 30
"""From one address: an office behind one router shares it."""

_OF_ONE_CLIENT: Final = 64
"""Bits of an IPv6 address that tell clients apart: each has the rest to itself."""


class Attempt:
    """One attempt to sign in. It counts as failed from the start, so that many at once do not slip through."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        client = _client(request)
        limits = {_key(client): FAILURES_OF_ADDRESS, _key(client, name): FAILURES_OF_ONE}
        self._keys = tuple(limits)
        refused = [key for key, most in limits.items() if _count(key, +1) > most]
        self.wait = max(map(_seconds_left, refused), default=0)
        """Seconds until the next one is listened to; 0 where this one is."""

    def succeeded(self) -> None:
        """It does not count."""
        for key in self._keys:
            _count(key, -1)


def _client(request: HttpRequest) -> str:
    address = client_address(request.META)
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _OF_ONE_CLIENT), strict=False))
    return address


def _key(*parts: object) -> str:
    # A name may be longer than a key, and hold what a cache does not take.
    return f"edms-sign-in-{hashlib.sha256(repr(parts).encode()).hexdigest()}"


def _count(key: str, step: int) -> int:
    """The failures of the window that the first of them has begun."""
    if cache.add(key, 0, timeout=WINDOW):
        cache.set(f"{key}-end", time.time() + WINDOW, timeout=WINDOW)
    try:
        return cache.incr(key, step)
    except ValueError:
        # The window has ended between the two, or a full cache has thrown it out: this attempt is the first.
        return max(step, 0)


def _seconds_left(key: str) -> int:
    end: float = cache.get(f"{key}-end", 0.0)
    return max(1, math.ceil(end - time.time()))
