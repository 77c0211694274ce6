"""Moments of a project without time zones (USE_TZ = False): bare ones, of its TIME_ZONE."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings as project
from django.utils import timezone


def with_offset(moment: datetime) -> datetime:
    """The same moment, by which others can tell when it was."""
    return timezone.make_aware(moment, timezone.get_default_timezone()) if timezone.is_naive(moment) else moment


def without_offset(moment: datetime) -> datetime:
    """The same moment as the databases of such a project have it."""
    return timezone.make_naive(moment, timezone.get_default_timezone()) if timezone.is_aware(moment) else moment


def as_stored(moment: datetime) -> datetime:
    """A moment that has an offset, as the databases of this project have it."""
    return moment if project.USE_TZ else without_offset(moment)


def in_utc(moment: datetime) -> datetime:
    """The same moment, for lines that say UTC."""
    return with_offset(moment).astimezone(UTC)


def minute_in_utc(moment: datetime) -> str:
    """For people: the day and the minute, with the zone."""
    return f"{in_utc(moment):%Y-%m-%d %H:%M} UTC"


def as_text(moment: datetime) -> str:
    """As the whole API writes it: ISO 8601 with all its microseconds and an offset."""
    return with_offset(moment).isoformat().replace("+00:00", "Z")
