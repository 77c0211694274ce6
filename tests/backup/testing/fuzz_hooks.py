"""Check with Schemathesis, too, that a user without the right in the document gets no answer."""

import os
from urllib.parse import urlencode

import schemathesis

RIGHT = os.environ["FUZZED_RIGHT"]
"""The permission of the client; "all", "none", or "anonymous"."""
LONGEST_QUERY = 60_000


@schemathesis.check
def nobody_is_answered_without_the_right(_context, response, case):
    needed = case.operation.definition.raw["x-right"]
    status = response.status_code
    if RIGHT == "anonymous" and status == 413:
        # The project's own door ends a large anonymous body before the API hears of it.
        return
    if status == 401 and "ticket" in (case.query or {}):
        # No other way to sign in counts beside a ticket, and one that was made up is none.
        return
    if RIGHT == "anonymous":
        assert status == 401, f"{status} instead of 401 for nobody"
        assert response.headers["www-authenticate"]
    elif needed == "that of the operation" and RIGHT not in {"all", "none"}:
        assert status < 500
    elif RIGHT == "none" or (RIGHT not in {"all", needed} and needed != "any"):
        # Another method than the document has is 405 for a user with any right.
        allowed = {403} if RIGHT == "none" or case.method.lower() == case.operation.method.lower() else {403, 405}
        assert status in allowed, f"{status} for {RIGHT} where {needed} is needed"
    assert "x-request-id" in response.headers


@schemathesis.hook
def filter_query(_context, query):
    """No server hands on an address that is longer: it answers itself, and not as an API."""
    return query is None or len(urlencode(query, doseq=True)) < LONGEST_QUERY


@schemathesis.serializer("application/offset+octet-stream")
def bytes_as_they_are(_context, value):
    """A piece of an upload."""
    return value if isinstance(value, bytes) else str(value).encode()
