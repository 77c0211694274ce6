"""Choose the language of an answer."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

LANGUAGES: Final = ("en", "de")
"""The languages that the server has texts in. The texts in the code are English."""


def language_of(request: HttpRequest) -> str:
    """Return the first language of `Accept-Language` that we have; without one, the host's if we have it, or English.

    The settings of the host do not count: by default it lists a hundred languages, most of which we do not have.
    """
    for name, quality in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        primary = name.partition("-")[0]
        if quality > 0 and primary in LANGUAGES:
            return primary
    primary = (get_language() or "").partition("-")[0]
    return primary if primary in LANGUAGES else LANGUAGES[0]
