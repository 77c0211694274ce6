"""Advice for a user whose database server refused a connection; it depends on the server's error."""

from __future__ import annotations

from typing import Final

from django.db import Error as DatabaseFailure

_CREDENTIALS: Final = (
    "Correct USER and PASSWORD of this database in the settings of the project, or let the server admit this user from"
    " this machine."
)
_NAME: Final = "Create the database, or correct NAME of this database in the settings of the project."
_HOST: Final = "Correct HOST of this database in the settings of the project."
_CROWDED: Final = "End idle sessions, or raise the server's limit of connections, and try again."
_AWAY: Final = "Start the server, or correct HOST and PORT of this database in the settings of the project."

# MariaDB and MySQL number the errors of the server and of the client.
_BY_NUMBER: Final = {
    **dict.fromkeys((1044, 1045, 1130, 1698), _CREDENTIALS),
    1049: _NAME,
    **dict.fromkeys((1040, 1203), _CROWDED),
    **dict.fromkeys((2002, 2003, 2006, 2013), _AWAY),
    2005: _HOST,
}
_UNKNOWN_HOST: Final = ("could not translate host name", "name or service not known", "failed to resolve host")
# libpq has no code for errors before there is a connection, only words, which it does not translate in the C locale
# that most servers have. An error that is not recognised gets the general advice.
_BY_WORDS: Final = (
    (("authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "'), _CREDENTIALS),
    (('database "',), _NAME),
    (("too many connections", "too many clients", "connection slots are reserved"), _CROWDED),
    (_UNKNOWN_HOST, _HOST),
    (("connection refused", "no such file or directory", "timeout expired", "starting up", "shutting down"), _AWAY),
)
_ANY: Final = "Look whether the server runs, and whether HOST, PORT, USER and PASSWORD in the settings are right."


def advice_for(error: DatabaseFailure, otherwise: str = _ANY) -> str:
    """Return a sentence that says what to do about a failed connection; `otherwise` for an unknown error."""
    number, message = error.args[0] if error.args else None, str(error).lower()
    # PyMySQL has the same number for an unknown host and for a server that does not answer.
    if isinstance(number, int) and not any(word in message for word in _UNKNOWN_HOST):
        return _BY_NUMBER.get(number, otherwise)
    for words, advice in _BY_WORDS:
        if any(word in message for word in words):
            return advice
    return otherwise


def server_message(error: DatabaseFailure) -> str:
    """Return the first line of the message of the server or its driver, without the tuple of some drivers."""
    message = str(error.args[-1] if error.args else error).strip()
    return message.splitlines()[0].rstrip(". ") if message else type(error).__name__
