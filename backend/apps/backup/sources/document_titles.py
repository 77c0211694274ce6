"""The titles of documents: for each file that a row names, the texts by which people know it.

They are read in the consistency point and stored in the snapshot, so that a file can be found by number, title or date
also when its row is gone.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.conf import settings as project
from django.core.exceptions import FieldError
from django.db import models

from ..core.paths import one_line
from ..errors import SettingsInvalid

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_NAMES: Final = ("number", "code", "reference", "title", "name", "subject", "version")
"""Fields that name a document, in the order in which they are shown."""
_DATES: Final = ("document_date", "date", "created_at", "created", "uploaded_at", "uploaded", "added")
_MOST_CHARACTERS: Final = 300
_TEXTS: Final = (models.CharField, models.TextField, models.IntegerField)


@dataclasses.dataclass(frozen=True)
class TitleFields:
    """The lookups that name the document of a file, from the model of the file on, such as `document__title`."""

    texts: Sequence[str] = ()
    date: str = ""

    def __bool__(self) -> bool:
        return bool(self.texts or self.date)


NO_TITLES: Final = TitleFields()


@dataclasses.dataclass(frozen=True)
class Title:
    """The title of one file; the date is in ISO 8601, or "" if there is none."""

    text: str
    date: str = ""


def title_fields(label: str, configured: Mapping[str, Sequence[str]]) -> TitleFields:
    """Return the fields that name the document of a file field: those of BACKUP_DOCUMENT_TITLES, or the usual ones.

    Raises `SettingsInvalid` for a lookup that leads nowhere.
    """
    model_label, _, name = label.rpartition(".")
    model = apps.get_model(model_label)
    if label not in configured:
        return _usual_fields(model, name)
    texts = [one for one in configured[label] if not isinstance(_field(model, one, label), models.DateField)]
    dates = [one for one in configured[label] if one not in texts]
    return TitleFields(tuple(texts), dates[0] if dates else "")


def _field(model: type[models.Model], lookup: str, label: str) -> object:
    try:
        found: object = getattr(models.QuerySet(model=model).values_list(lookup).query.resolve_ref(lookup), "target")  # noqa: B009
    except (FieldError, AttributeError) as error:
        raise SettingsInvalid(
            f"BACKUP_DOCUMENT_TITLES[{label!r}] names {lookup!r}, which leads to no field ({error})."
        ) from error
    return found


def _usual_fields(model: type[models.Model], file_field: str) -> TitleFields:
    """Return the fields with usual names, of the models that the file's row belongs to and of its own model."""
    places = [("", model)]
    for field in model._meta.concrete_fields:
        other = field.related_model
        # Required keys lead to the document; optional ones to users and the like.
        if isinstance(field, models.ForeignKey) and isinstance(other, type) and not field.null:
            places.insert(-1, (f"{field.name}__", other))
    texts, date = [], ""
    for prefix, place in places:
        fields = {field.name: field for field in place._meta.concrete_fields}
        texts += [
            f"{prefix}{name}"
            for name in _NAMES
            if name in fields and isinstance(fields[name], _TEXTS) and (prefix or name != file_field)
        ]
        dates = [name for name in _DATES if isinstance(fields.get(name), models.DateField)]
        date = f"{prefix}{dates[0]}" if dates else date
    return TitleFields(tuple(texts), date) if texts else NO_TITLES


def titles_query(label: str, titles: TitleFields, wrapper: BaseDatabaseWrapper) -> str:
    """Return a query for the values of a file field, the texts of their titles and their dates, in this order."""
    model_label, _, name = label.rpartition(".")
    lookups = [name, *titles.texts, *([titles.date] if titles.date else [])]
    # No manager of the project, which may hide rows.
    everything: models.QuerySet[models.Model] = models.QuerySet(model=apps.get_model(model_label))
    query = everything.order_by().values_list(*lookups).query
    sql, _ = query.get_compiler(connection=wrapper).as_sql()
    return str(sql)


def titles_unread(label: str, error: Exception) -> str:
    """Return a note: the files of this field are in the backup, and cannot be found in it by their titles."""
    reason = str(error).strip().splitlines()
    return (
        f"The titles of {label} could not be read, so its files are found by their paths alone"
        f" ({reason[0] if reason else type(error).__name__}). Correct BACKUP_DOCUMENT_TITLES, or run the migrations."
    )


def titled(rows: Sequence[Sequence[object]], titles: TitleFields) -> Iterator[tuple[str, Title]]:
    """Yield the value and the title of each row that names a file."""
    last = len(titles.texts) + 1
    for row in rows:
        if row[0]:
            parts = [str(part).strip() for part in row[1:last] if part not in {None, ""}]
            text = one_line(" · ".join(parts))[:_MOST_CHARACTERS]
            yield str(row[0]), Title(text, _date(row[last]) if titles.date else "")


def _date(value: object) -> str:
    """Return a date or a timestamp in ISO 8601; SQLite gives both as text. Returns "" for what is neither."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value) if len(value) > 10 else datetime.date.fromisoformat(value)
        except ValueError:
            return ""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None and project.USE_TZ:
            value = value.replace(tzinfo=datetime.UTC)
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, datetime.date) else ""
