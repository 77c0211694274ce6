"""Check during long answers that the client is still allowed to receive them."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Mapping
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.db import Error as DatabaseFailure
from django.db.models import Model
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request

from ..backups.downloads import DownloadStream
from ..core.permissions import Right
from ..ledger import close_connections

_logger = logging.getLogger(__name__)
DOWNLOAD_SECONDS: Final = 10.0
"""The time between two checks of the permission of a running download."""
_ENDS: Final = ("expiry", "expires", "expire_date")


def active_account(key: Any) -> Any | None:
    """Return the account with this primary key; None if there is none, or it is inactive."""
    user: Any = get_user_model()._default_manager.filter(pk=key).first()
    # Checked in Python: the user model of a project need not have the column.
    return user if user is not None and user.is_active else None


def _allowed(key: Any, right: Right) -> Any | None:
    user = active_account(key)
    return user if user is not None and user.has_perm(right.permission) else None


class WatchedDownload:
    """The bytes of a download. It breaks off when the account becomes inactive or loses the right.

    A session or token that ends does not end a download, which may take longer. Neither does an unavailable database,
    which may be the reason for the download.
    """

    def __init__(self, stream: DownloadStream, user: Any, right: Right) -> None:
        self._stream = stream
        self._user: Any = user.pk
        self._right = right
        self._asked = time.monotonic()

    def __iter__(self) -> WatchedDownload:
        return self

    def __next__(self) -> bytes:
        if time.monotonic() - self._asked >= DOWNLOAD_SECONDS:
            self._asked = time.monotonic()
            if not self._holds():
                self._stream.close()
                raise PermissionError("The download was stopped: its user has no permission to download any more.")
        return next(self._stream)

    def close(self) -> None:
        """Stop reading, and release the backup."""
        self._stream.close()

    def _holds(self) -> bool:
        try:
            return _allowed(self._user, self._right) is not None
        except DatabaseFailure as error:
            _logger.warning("Cannot check the permission of a running download, which continues: %s", error)
            return True
        finally:
            close_connections()


class StreamAccess:
    """The authorization of an event stream: the account, the right, and the session or token of the request."""

    def __init__(self, request: Request, right: Right) -> None:
        self._user: Any = request.user.pk
        self._right = right
        self._token: object = request.auth
        session = getattr(request, "session", None)
        # A request with a token is not authenticated by a session, even if the browser sends one.
        self._session: str | None = session.session_key if session is not None and request.auth is None else None
        token = self._token.pk if isinstance(self._token, Model) else str(self._token)
        self.key: Hashable = (self._user, self._session, token)

    def holds(self) -> bool:
        """Return whether the account is active and has the right, and the session or token is still valid."""
        user = _allowed(self._user, self._right)
        if user is None:
            return False
        return self._token_holds() if self._session is None else self._session_holds(user)

    def _token_holds(self) -> bool:
        token = self._token
        if isinstance(token, Model):
            row = type(token)._default_manager.filter(pk=token.pk).first()
            # The names of knox and django-oauth-toolkit, whose rows remain after they expire.
            ends = next((value for name in _ENDS if (value := getattr(row, name, None)) is not None), None)
            return row is not None and (ends is None or ends > timezone.now())
        claims = getattr(token, "payload", token)
        if isinstance(claims, Mapping):
            # A signed token, which contains its own expiry.
            return float(claims.get("exp", time.time() + 1)) > time.time()
        return True

    def _session_holds(self, user: Any) -> bool:
        store = import_module(settings.SESSION_ENGINE).SessionStore(self._session)
        given = store.get(HASH_SESSION_KEY, "")
        # The hash is empty after sign-out, and differs after a change of the password.
        return any(constant_time_compare(given, one) for one in _hashes(user))


def _hashes(user: Any) -> list[str]:
    return [user.get_session_auth_hash(), *getattr(user, "get_session_auth_fallback_hash", list)()]
