"""Limit the requests of a user by kind, as BACKUP_API_RATES says. Counted in Django's default cache.

With a cache per process, which is Django's default, each process counts by itself.
"""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from .. import conf


class UserThrottle(SimpleRateThrottle):
    """Limit by the `throttle_scope` of the view ("read", "change" or "download"), or else by the method."""

    def __init__(self) -> None:
        # The rate depends on the request.
        return

    def allow_request(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "throttle_scope", "")
        self.scope = scope or ("read" if request.method in {"GET", "HEAD"} else "change")
        rate = conf.load().rates[self.scope]
        if rate is None:
            return True
        self.rate = rate
        self.num_requests, self.duration = self.parse_rate(rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"backup-api-{self.scope}-{request.user.pk}"
