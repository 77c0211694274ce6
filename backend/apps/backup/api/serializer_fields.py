"""Serializers that refuse unknown fields, and fields whose values are safe for every host and database."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from django.conf import settings as project
from django.db import models
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import ISO_8601, serializers
from rest_framework.fields import empty

from ..core.timezones import as_text, without_offset

if TYPE_CHECKING:
    ApiSerializer = serializers.Serializer[Any]
    _ModelSerializer = serializers.ModelSerializer[Model]
else:  # The framework's own classes take no parameters.
    ApiSerializer = serializers.Serializer
    _ModelSerializer = serializers.ModelSerializer


def _refuse_unknown(serializer: serializers.BaseSerializer[Any], data: Any) -> None:
    # Read-only fields may be sent back unchanged. An unknown name is probably misspelled.
    if isinstance(data, Mapping):
        unknown = sorted(set(map(str, data)) - set(serializer.fields))  # type: ignore[attr-defined]
        if unknown:
            raise serializers.ValidationError(
                {name[:100]: gettext("This field does not exist.") for name in unknown[:20]}
            )


class TranslatedField(serializers.CharField):
    """A constant text of ours, in the language of the request."""

    def to_representation(self, value: Any) -> str:
        text = super().to_representation(value)
        return gettext(text)


class StrictSerializer(ApiSerializer):
    """A request that refuses unknown fields."""

    def run_validation(self, data: Any = empty) -> Any:
        _refuse_unknown(self, data)
        return super().run_validation(data)


class EmptySerializer(StrictSerializer):
    """A request without fields."""


class TextField(serializers.CharField):
    """A text in JSON, not a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class NumberField(serializers.IntegerField):
    """A whole number in JSON, not a text with digits."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return super().to_internal_value(int(data))


class CountField(serializers.IntegerField):
    """A whole number in a query: ASCII digits only."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not (data.isascii() and data.isdigit()):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """True or false in JSON, not a text."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", "examples": ["02:00"]})
class ClockField(serializers.TimeField):
    """A time of day, hours and minutes, in the time zone of the schedules."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format=ISO_8601, input_formats=["%H:%M", "%H:%M:%S"], **kwargs)


class TimestampField(serializers.DateTimeField):
    """A timestamp as ISO 8601 with an offset, whatever the host's formats are; in a range that all databases accept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format=ISO_8601, input_formats=[ISO_8601], **kwargs)

    def enforce_timezone(self, value: datetime) -> datetime:
        return super().enforce_timezone(value) if project.USE_TZ else without_offset(value)

    def to_internal_value(self, value: Any) -> datetime:
        moment: datetime = super().to_internal_value(value)
        if not 1970 <= moment.year <= 9000:
            raise serializers.ValidationError(gettext("The year must be from 1970 to 9000."))
        return moment

    def to_representation(self, value: Any) -> str:
        if isinstance(value, datetime) and (not project.USE_TZ or value.tzinfo is not None):
            return as_text(value.astimezone(self._zone) if project.USE_TZ else value)
        shown: str = super().to_representation(value)
        return shown

    @functools.cached_property
    def _zone(self) -> tzinfo:
        # The time zone of the request, looked up once, because a page has a thousand timestamps.
        return timezone.get_current_timezone()


class RowSerializer(_ModelSerializer):
    """A row of a model in an answer."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BigIntegerField: serializers.IntegerField,
        models.DateTimeField: TimestampField,
        models.PositiveBigIntegerField: serializers.IntegerField,
    }


class StrictModelSerializer(RowSerializer):
    """A row of a model in a request: refuses unknown fields and values of the wrong JSON type."""

    serializer_field_mapping = {
        **RowSerializer.serializer_field_mapping,
        models.BooleanField: FlagField,
        models.CharField: TextField,
        models.PositiveIntegerField: NumberField,
        models.PositiveSmallIntegerField: NumberField,
        models.TextField: TextField,
        models.TimeField: ClockField,
    }

    def run_validation(self, data: Any = empty) -> Any:
        _refuse_unknown(self, data)
        return super().run_validation(data)


@extend_schema_field({"type": ["string", "null"], "format": "uuid"})
class UuidField(serializers.RelatedField[Any, Any, str]):
    """The uuid of another row; null if it does not exist any more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.uuid)


@extend_schema_field({"type": ["string", "null"]})
class UserNameField(serializers.RelatedField[Any, Any, str]):
    """The name of a user; null if the user does not exist any more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.get_username())
