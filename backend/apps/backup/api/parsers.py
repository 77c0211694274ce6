"""Parse JSON request bodies of limited size."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any, Final

from django.utils.translation import gettext_noop
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .problems import PayloadTooLarge

MAX_BODY: Final = 256 * 1024
"""The most bytes of a JSON body."""


class BoundedJSONParser(JSONParser):
    """Parse JSON of at most `MAX_BODY` bytes."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise PayloadTooLarge(f"The request body has more than {MAX_BODY} bytes.")
        try:
            return super().parse(io.BytesIO(body), media_type, dict(parser_context or {}))
        except RecursionError:
            raise ParseError(gettext_noop("The JSON is nested too deeply.")) from None
