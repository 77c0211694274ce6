"""Find the kind of a column from its model's field."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Field

from .forms import Kind

_KINDS: Final = {
    **dict.fromkeys(("AutoField", "BigAutoField", "SmallAutoField"), Kind.INTEGER),
    **dict.fromkeys(("IntegerField", "BigIntegerField", "SmallIntegerField"), Kind.INTEGER),
    **dict.fromkeys(
        ("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"),
        Kind.INTEGER,
    ),
    **dict.fromkeys(("CharField", "TextField", "SlugField", "FileField", "FilePathField"), Kind.TEXT),
    **dict.fromkeys(("BooleanField", "NullBooleanField"), Kind.BOOLEAN),
    **dict.fromkeys(("GenericIPAddressField", "IPAddressField"), Kind.ADDRESS),
    "FloatField": Kind.FLOAT,
    "DecimalField": Kind.DECIMAL,
    "BinaryField": Kind.BINARY,
    "DateField": Kind.DATE,
    "TimeField": Kind.TIME,
    "DateTimeField": Kind.DATETIME,
    "DurationField": Kind.DURATION,
    "UUIDField": Kind.UUID,
    "JSONField": Kind.JSON,
    "ArrayField": Kind.ARRAY,
}


def kind_of_field(field: Field[Any, Any]) -> Kind | None:
    """Return the kind of a field's column; None for a custom field, whose database type decides."""
    return _KINDS.get(stored_field(field).get_internal_type())


def item_of_field(field: Field[Any, Any]) -> Kind | None:
    """Return the kind of the items of an array, below all its dimensions; None for other fields."""
    base = stored_field(field)
    if not hasattr(base, "base_field") or base.get_internal_type() != "ArrayField":
        return None
    while base.get_internal_type() == "ArrayField":
        base = stored_field(base.base_field)
    return _KINDS.get(base.get_internal_type())


def stored_field(field: Field[Any, Any]) -> Field[Any, Any]:
    """Return the field whose values the column holds: for a foreign key, that of the key that it refers to."""
    while field.remote_field is not None and hasattr(field, "target_field"):
        field = field.target_field
    return field
