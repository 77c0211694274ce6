"""Pages of a list, by where the last row stood and not by number: as fast at the end as at the beginning, and nothing
is shown twice or left out when rows come in meanwhile.

A cursor is the value that the list is ordered by, and the row's primary key to tell equal ones apart.
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
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

PARAMETERS: Final = frozenset({"cursor", "limit", "ordering"})
_MOST: Final = 200
_USUAL: Final = 50
_LONGEST: Final = 1000


class CursorPages(BasePagination):
    """A view has `orderings`: the names that clients may order by, each with the column, which is never null.

    The first is the order where the client says nothing; it and its kin may begin with a dash.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self._request = request
        orderings: Mapping[str, str] = view.orderings
        asked = request.query_params.get("ordering", next(iter(orderings)))
        name = asked.removeprefix("-")
        if name not in {one.removeprefix("-") for one in orderings}:
            raise ValidationError(
                {"ordering": f"It is one of {', '.join(sorted(orderings))}, or the same with a dash."}
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
                # Of another list, or of another order.
                raise _wrong_cursor() from None
        # First which rows, which an index alone can tell, then all that they hold.
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
        """`next` and `previous` are addresses, null at the ends."""
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
            _parameter("cursor", "Where the page begins; as it stands in `next` and `previous`.", {"type": "string"}),
            _parameter("limit", "How many of a page.", {"type": "integer", "minimum": 1, "maximum": _MOST}),
            _parameter(
                "ordering",
                "By what; with a dash downwards.",
                {"type": "string", "enum": [sign + one for one in names for sign in ("", "-")]},
            ),
        ]

    def _page_size(self, request: Request) -> int:
        text = request.query_params.get("limit")
        if text is None:
            return _USUAL
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= _MOST):
            raise ValidationError({"limit": f"It is a number from 1 to {_MOST}."})
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
    return ValidationError({"cursor": "It is none that this list has given out."})


class _Exactly(DjangoJSONEncoder):
    """Times with all their microseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, date | datetime) else super().default(o)


def _parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": dict(schema)}
