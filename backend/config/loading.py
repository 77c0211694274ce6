"""Preparation of a server before its first request."""

from __future__ import annotations

import gc

from django.urls import get_resolver


def load_all() -> None:
    """Load all views, and exclude the loaded objects from garbage collection.

    These objects live as long as the process, and to scan them would stop all requests for 100 ms.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
