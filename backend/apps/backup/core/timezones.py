"""Conversion of timestamps in projects with USE_TZ = False, whose databases hold naive ones of their TIME_ZONE."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings as project
from django.utils import timezone


def with_offset(timestamp: datetime) -> datetime:
    """Return the timestamp with an offset; a naive one is taken to be in TIME_ZONE."""
    if timezone.is_aware(timestamp):
        return timestamp
    return timezone.make_aware(timestamp, timezone.get_default_timezone())


def without_offset(timestamp: datetime) -> datetime:
    """Return the timestamp as a naive one in TIME_ZONE, as the databases of projects with USE_TZ = False hold it."""
    if timezone.is_naive(timestamp):
        return timestamp
    return timezone.make_naive(timestamp, timezone.get_default_timezone())


def as_stored(timestamp: datetime) -> datetime:
    """Return a timestamp with an offset in the form that the databases of this project hold."""
    return timestamp if project.USE_TZ else without_offset(timestamp)


def in_utc(timestamp: datetime) -> datetime:
    """Return the timestamp in UTC."""
    return with_offset(timestamp).astimezone(UTC)


def minute_in_utc(timestamp: datetime) -> str:
    """Return the day and the minute in UTC, for users."""
    return f"{in_utc(timestamp):%Y-%m-%d %H:%M} UTC"


def as_text(timestamp: datetime) -> str:
    """Return the timestamp as the API writes it: ISO 8601 with microseconds and an offset."""
    return with_offset(timestamp).isoformat().replace("+00:00", "Z")
