"""The fields of a configuration as command options and as questions in the terminal: one table for both."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from datetime import time

from ..errors import RequestRefused
from ..models import BackupType, Frequency
from ..policies.production import ConfigurationValues

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YES, _NO = frozenset({"y", "yes", "true", "1", "on"}), frozenset({"n", "no", "false", "0", "off"})


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field: its option, its question, how to parse and show a value, and for which frequencies to ask."""

    name: str
    option: str
    question: str
    read: Callable[[str], object]
    shown: Callable[[object], str] = str
    frequencies: frozenset[str] = frozenset(Frequency.values)
    asked: bool = True


def read_time(text: str) -> time:
    """Parse a time of day, HH:MM. Raises ValueError."""
    hours, colon, minutes = text.strip().partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and len(hours) <= 2 and len(minutes) == 2):
        raise ValueError(f"{text!r} is not a time of day; use a form such as 02:00")
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError(f"{text!r} is not a time of day; it must be from 00:00 to 23:59")
    return time(int(hours), int(minutes))


def read_days(text: str) -> tuple[int, ...]:
    """Parse days of the week, by name or by number (0 = Monday), separated by commas. Raises ValueError."""
    days = set()
    for word in text.replace(" ", "").lower().split(","):
        if word.isdigit() and int(word) <= 6:
            days.add(int(word))
        elif len(word) >= 3 and word[:3] in _DAYS:
            days.add(_DAYS.index(word[:3]))
        else:
            raise ValueError(f"{word!r} is not a day of the week; use a form such as sun, or 6, or mon,wed,fri")
    return tuple(sorted(days))


def read_number(least: int, greatest: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds, which raises ValueError."""

    def read(text: str) -> int:
        stripped = text.strip()
        if not stripped.lstrip("-").isdigit() or not least <= int(stripped) <= greatest:
            raise ValueError(f"{text!r} is not a number from {least} to {greatest}")
        return int(stripped)

    return read


def read_choice(choices: list[str]) -> Callable[[str], str]:
    """Return a parser of one of several words, which raises ValueError."""

    def read(text: str) -> str:
        word = text.strip().upper().replace("-", "_")
        if word not in choices:
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
        return word

    return read


def read_flag(text: str) -> bool:
    """Parse yes or no. Raises ValueError."""
    word = text.strip().lower()
    if word in _YES | _NO:
        return word in _YES
    raise ValueError(f"{text!r} is neither yes nor no")


def read_name(text: str) -> str:
    """Parse the name of a configuration. Raises ValueError."""
    if not text.strip():
        raise ValueError("a name is required")
    return text.strip()


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"


def _day_names(value: object) -> str:
    return ",".join(_DAYS[day] for day in value) if isinstance(value, list | tuple) else ""


def _clock(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else ""


def _or_none(value: object) -> str:
    return "" if value is None else str(value)


_SCHEDULED = frozenset({Frequency.HOURLY, Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY})
_MANY = read_number(1, 36_500)

FIELDS: tuple[Field, ...] = (
    Field("name", "--name", "Name", read_name),
    Field("description", "--description", "Description", str.strip),
    Field("backup_type", "--type", f"Type ({', '.join(BackupType.values)})", read_choice([*BackupType.values])),
    Field("frequency", "--frequency", f"How often ({', '.join(Frequency.values)})", read_choice([*Frequency.values])),
    Field("schedule_time", "--time", "Time of day, HH:MM", read_time, _clock, _SCHEDULED),
    Field("schedule_days", "--days", "Days of the week", read_days, _day_names, frozenset({Frequency.WEEKLY})),
    Field(
        "schedule_day_of_month",
        "--day-of-month",
        "Day of the month, 1 to 28",
        read_number(1, 28),
        _or_none,
        frozenset({Frequency.MONTHLY}),
    ),
    Field("retention_days", "--retention-days", "Delete backups older than this number of days", _MANY),
    Field("max_backups", "--max-backups", "Keep at most this number of backups, the newest", _MANY),
    Field(
        "keep_daily",
        "--keep-daily",
        "Also keep one backup for each of this many days",
        read_number(0, 9999),
        asked=False,
    ),
    Field("keep_weekly", "--keep-weekly", "… of this many weeks", read_number(0, 9999), asked=False),
    Field("keep_monthly", "--keep-monthly", "… of this many months", read_number(0, 9999), asked=False),
    Field("keep_yearly", "--keep-yearly", "… of this many years", read_number(0, 9999), asked=False),
    Field("time_limit_minutes", "--time-limit", "Stop a job after this many minutes", _MANY, _or_none, asked=False),
    Field("storage_path", "--storage-path", "Folder inside the backup storage", str.strip),
    Field("compression_enabled", "--compression", "Compress (yes, no)", read_flag, _yes_or_no),
    Field("encryption_enabled", "--encryption", "Encrypt (yes, no)", read_flag, _yes_or_no),
    Field("is_enabled", "--enabled", "Run by schedule (yes, no)", read_flag, _yes_or_no, _SCHEDULED),
    Field("is_ad_hoc", "--ad-hoc", "For one occasion only (yes, no)", read_flag, _yes_or_no, asked=False),
)


def add_field_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add an option for every field."""
    for field in FIELDS:
        parser.add_argument(field.option, dest=field.name, metavar="VALUE", help=field.question)


def given_fields(options: Mapping[str, object]) -> dict[str, object]:
    """Return the fields given as options. Raises `RequestRefused`, which names the option and the expected form."""
    values: dict[str, object] = {}
    for field in FIELDS:
        text = options.get(field.name)
        if text is None:
            continue
        try:
            values[field.name] = field.read(str(text))
        except ValueError as error:
            raise RequestRefused(f"{field.option}: {error}.") from error
    return values


def ask_fields(
    given: Mapping[str, object],
    ask: Callable[[str], str],
    note: Callable[[str], None],
    *,
    now: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Ask for the fields that are not given, each with its default; ask again after an invalid answer.

    The defaults are those of a new configuration, or the current values (`now`) of an existing one.
    """
    defaults = {name: value for name, value in (now or {}).items() if value not in (None, [])}
    usual = {"schedule_time": time(2), "schedule_days": (6,), "schedule_day_of_month": 1}
    defaults = {**dataclasses.asdict(ConfigurationValues(name="")), **usual, **defaults}
    values = dict(given)
    for field in FIELDS:
        frequency = str(values.get("frequency", defaults["frequency"]))
        if field.name in given or not field.asked or frequency not in field.frequencies:
            continue
        default = defaults[field.name]
        while field.name not in values:
            answer = ask(f"{field.question} [{field.shown(default)}]: " if default != "" else f"{field.question}: ")
            try:
                keeps = not answer.strip() and (field.name != "name" or default)
                values[field.name] = default if keeps else field.read(answer)
            except ValueError as error:
                note(f"{error}.")
    return values
