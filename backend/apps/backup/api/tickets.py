"""Tickets for downloads by link: a link in a browser sends no header, and so no token.

A ticket is in the address. It is signed, is for one user, one backup and one path in it, and must be used within a
minute. The right of its user is checked when it is used, as with every other request.
"""

from __future__ import annotations

from typing import Any, Final

from django.core import signing
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .live_sessions import active_account

PARAMETER: Final = "ticket"
SECONDS: Final = 60
LONGEST: Final = 32_768
_SALT: Final = "edms-backup.download"


def ticket_of(user: Any, job: str, path: str) -> str:
    """Return a ticket for a user and a `path` in the backup of a job; "" is the whole backup."""
    return signing.dumps([str(user.pk), job, path], salt=_SALT, compress=True)


class TicketAuthentication(BaseAuthentication):
    """Authenticate the user of a ticket for its one download. A session or token beside it does not count."""

    def authenticate(self, request: Request) -> tuple[Any, str]:
        ticket = request.query_params[PARAMETER]
        try:
            key, job, path = signing.loads(ticket[:LONGEST], salt=_SALT, max_age=SECONDS)
        except (signing.BadSignature, ValueError):
            raise AuthenticationFailed(
                f"The ticket is not valid, or older than {SECONDS} seconds. Ask for another one."
            ) from None
        names = (request.parser_context or {}).get("kwargs", {})
        if (job, path) != (str(names.get("uuid")), request.query_params.get("path", "")):
            raise AuthenticationFailed("The ticket is for another download.")
        user = active_account(key)
        if user is None:
            raise AuthenticationFailed("The user of the ticket does not exist any more, or is inactive.")
        return user, ticket
