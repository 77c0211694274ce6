"""What a server does before its first request."""

from __future__ import annotations

import gc

from django.urls import get_resolver


def load_all() -> None:
    """Load what requests are answered with, and have the garbage collector leave it alone.

    All of it stays as long as the process, and to look through it for what has gone stops every request for 100 ms.
    """
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
