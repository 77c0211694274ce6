"""Page lists: by cursor, or by page number with the total count.

With a cursor, the last page is as fast as the first, and new rows do not make others appear twice or not at all. A
cursor contains the value that the list is ordered by, and the primary key of the row, to distinguish equal values.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.conf import settings as project
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

PARAMETERS: Final = frozenset({"cursor", "limit", "ordering"})
"""The query parameters of cursor pages."""
_MOST: Final = 200
_USUAL: Final = 50
_LONGEST: Final = 1000


class NumberedPages(PageNumberPagination):
    """Numbered pages, with the total count, which the database has to count for each page."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100


class CursorPages(BasePagination):
    """Cursor pages for views with `orderings`: the names that clients may order by, each with a column without nulls.

    The first is the default. A name with a leading dash is descending.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._request = request
        orderings: Mapping[str, str] = view.orderings
        asked = request.query_params.get("ordering", next(iter(orderings)))
        name = asked.removeprefix("-")
        if name not in {one.removeprefix("-") for one in orderings}:
            raise ValidationError(
                {
                    "ordering": gettext("It must be one of %(names)s, with or without a leading dash.")
                    % {"names": ", ".join(sorted(orderings))}
                }
            )
        column = next(column for one, column in orderings.items() if one.removeprefix("-") == name)
        self._column, self._down, self._ordering = column, asked.startswith("-"), asked
        self._size = self._page_size(request)
        cursor = request.query_params.get("cursor")
        back, position = (False, None) if not cursor else self._decode(cursor)
        descending = self._down != back
        rows = queryset.order_by(f"{'-' if descending else ''}{column}", f"{'-' if descending else ''}pk")
        if position is not None:
            try:
                rows = rows.filter(self._beyond(position, descending))
            except (ValueError, TypeError, DjangoValidationError):
                # The cursor is of another list, or of another order.
                raise _wrong_cursor() from None
        # First only the keys, which an index provides, then the whole rows.
        keys = list(rows.values_list("pk", flat=True)[: self._size + 1])
        more, keys = len(keys) > self._size, keys[: self._size]
        by_key = {row.pk: row for row in queryset.filter(pk__in=keys)}
        found = [by_key[key] for key in keys if key in by_key]
        if back:
            found.reverse()
        self._more_after = more if not back else position is not None
        self._more_before = more if back else position is not None
        self._found = found
        return found

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page; `next` and `previous` are addresses, null at the ends."""
        following = self._link(self._found[-1], back=False) if self._found and self._more_after else None
        before = self._link(self._found[0], back=True) if self._found and self._more_before else None
        return Response({"next": following, "previous": before, "results": data})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """For the OpenAPI document."""
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": ["next", "previous", "results"], "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """For the OpenAPI document."""
        names = [one.removeprefix("-") for one in getattr(view, "orderings", {})]
        return [
            _parameter("cursor", "The start of the page, from `next` or `previous`.", {"type": "string"}),
            _parameter("limit", "The number of rows in a page.", {"type": "integer", "minimum": 1, "maximum": _MOST}),
            _parameter(
                "ordering",
                "The order; descending with a leading dash.",
                {"type": "string", "enum": [sign + one for one in names for sign in ("", "-")]},
            ),
        ]

    def _page_size(self, request: Request) -> int:
        text = request.query_params.get("limit")
        if text is None:
            return _USUAL
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= _MOST):
            raise ValidationError({"limit": gettext("It must be a number from 1 to %(most)s.") % {"most": _MOST}})
        return int(text)

    def _beyond(self, position: tuple[Any, int], descending: bool) -> Q:
        value, key = position
        sign = "lt" if descending else "gt"
        return Q(**{f"{self._column}__{sign}": value}) | Q(**{self._column: value, f"pk__{sign}": key})

    def _link(self, row: Model, *, back: bool) -> str:
        value = getattr(row, self._column)
        kind = "t" if isinstance(value, date | datetime) else "v"
        text = json.dumps([int(back), kind, value, row.pk], cls=_Exactly)
        cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return str(
            replace_query_param(remove_query_param(self._request.build_absolute_uri(), "cursor"), "cursor", cursor)
        )

    def _decode(self, cursor: str) -> tuple[bool, tuple[Any, int]]:
        if len(cursor) > _LONGEST or not cursor.isascii():
            raise _wrong_cursor()
        try:
            parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, RecursionError):
            raise _wrong_cursor() from None
        if not (isinstance(parts, list) and len(parts) == 4):
            raise _wrong_cursor()
        back, kind, value, key = parts
        if not (type(back) is int and back in {0, 1} and type(key) is int and 0 <= key < 2**63):
            raise _wrong_cursor()
        return bool(back), (_value(kind, value), key)


def _value(kind: object, value: object) -> Any:
    if kind == "t" and isinstance(value, str):
        try:
            moment = parse_datetime(value)
        except ValueError:
            moment = None
        if moment is not None and 1970 <= moment.year <= 9000 and is_aware(moment) == project.USE_TZ:
            return moment
    elif (kind == "v" and isinstance(value, str) and value.isprintable()) or (
        kind == "v" and type(value) is int and abs(value) < 2**63
    ):
        return value
    raise _wrong_cursor()


def _wrong_cursor() -> ValidationError:
    return ValidationError({"cursor": gettext("This cursor is not from this list and order.")})


class _Exactly(DjangoJSONEncoder):
    """Encode times with all microseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, date | datetime) else super().default(o)


def _parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": dict(schema)}
