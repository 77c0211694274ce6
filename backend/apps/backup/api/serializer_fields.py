"""Serializers that refuse what they do not know, and fields that hosts and databases cannot be broken with."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from django.conf import settings as project
from django.db import models
from django.db.models import Model
from django.utils import timezone
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
    # What is only read may come back as it was given out; a name that is not known is a slip of the pen.
    if isinstance(data, Mapping):
        unknown = sorted(set(map(str, data)) - set(serializer.fields))  # type: ignore[attr-defined]
        if unknown:
            raise serializers.ValidationError({name[:100]: "There is no such field." for name in unknown[:20]})


class StrictSerializer(ApiSerializer):
    """What a client sends, and no field more."""

    def run_validation(self, data: Any = empty) -> Any:
        _refuse_unknown(self, data)
        return super().run_validation(data)


class EmptySerializer(StrictSerializer):
    """Nothing needs to be said."""


class TextField(serializers.CharField):
    """Text in JSON; a number is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class NumberField(serializers.IntegerField):
    """A whole number in JSON; a text that looks like one is none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return super().to_internal_value(int(data))


class CountField(serializers.IntegerField):
    """A whole number in a query: digits and nothing else, in no other script than ours."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and not (data.isascii() and data.isdigit()):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """True or false in JSON, and no word for them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", "examples": ["02:00"]})
class ClockField(serializers.TimeField):
    """A time of day, hours and minutes, of the schedules' time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format=ISO_8601, input_formats=["%H:%M", "%H:%M:%S"], **kwargs)


class MomentField(serializers.DateTimeField):
    """A time that every database can be asked about, as ISO 8601 with an offset, whatever the host's formats are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format=ISO_8601, input_formats=[ISO_8601], **kwargs)

    def enforce_timezone(self, value: datetime) -> datetime:
        return super().enforce_timezone(value) if project.USE_TZ else without_offset(value)

    def to_internal_value(self, value: Any) -> datetime:
        moment: datetime = super().to_internal_value(value)
        if not 1970 <= moment.year <= 9000:
            raise serializers.ValidationError("It lies outside of the years 1970 to 9000.")
        return moment

    def to_representation(self, value: Any) -> str:
        if isinstance(value, datetime) and (not project.USE_TZ or value.tzinfo is not None):
            return as_text(value.astimezone(self._zone) if project.USE_TZ else value)
        shown: str = super().to_representation(value)
        return shown

    @functools.cached_property
    def _zone(self) -> tzinfo:
        # It is that of the request, and asked for once: a page has a thousand times.
        return timezone.get_current_timezone()


class RowSerializer(_ModelSerializer):
    """A row as it is told."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BigIntegerField: serializers.IntegerField,
        models.DateTimeField: MomentField,
        models.PositiveBigIntegerField: serializers.IntegerField,
    }


class StrictModelSerializer(RowSerializer):
    """The same for a model's fields, each of the type that JSON has for it."""

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
    """Another row by its uuid; null where there is none any more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.uuid)


@extend_schema_field({"type": ["string", "null"]})
class UserNameField(serializers.RelatedField[Any, Any, str]):
    """A user by name; null where there is none any more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.get_username())
