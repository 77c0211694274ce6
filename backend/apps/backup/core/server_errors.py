"""What helps when a database server turns a connection away: a wrong password is not mended by starting the server."""

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

# MariaDB and MySQL number what they and their clients say.
_BY_NUMBER: Final = {
    **dict.fromkeys((1044, 1045, 1130, 1698), _CREDENTIALS),
    1049: _NAME,
    **dict.fromkeys((1040, 1203), _CROWDED),
    **dict.fromkeys((2002, 2003, 2006, 2013), _AWAY),
    2005: _HOST,
}
_UNKNOWN_HOST: Final = ("could not translate host name", "name or service not known", "failed to resolve host")
# libpq gives no code for what happens before there is a connection, only words, which it does not translate in the C
# locale that most servers have. What is not recognised gets the answer that is never wrong.
_BY_WORDS: Final = (
    (("authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "'), _CREDENTIALS),
    (('database "',), _NAME),
    (("too many connections", "too many clients", "connection slots are reserved"), _CROWDED),
    (_UNKNOWN_HOST, _HOST),
    (("connection refused", "no such file or directory", "timeout expired", "starting up", "shutting down"), _AWAY),
)
_ANY: Final = "Look whether the server runs, and whether HOST, PORT, USER and PASSWORD in the settings are right."


def what_helps(error: DatabaseFailure, otherwise: str = _ANY) -> str:
    """Say in a sentence what to do about a connection that was not made; `otherwise` where that is not recognised."""
    number, said = error.args[0] if error.args else None, str(error).lower()
    # PyMySQL has one number for a name that is not known and a server that is not there.
    if isinstance(number, int) and not any(word in said for word in _UNKNOWN_HOST):
        return _BY_NUMBER.get(number, otherwise)
    for words, advice in _BY_WORDS:
        if any(word in said for word in words):
            return advice
    return otherwise


def what_was_said(error: DatabaseFailure) -> str:
    """The first line of what the server or its driver said, without the tuple that some drivers wrap it in."""
    said = str(error.args[-1] if error.args else error).strip()
    return said.splitlines()[0].rstrip(". ") if said else type(error).__name__
