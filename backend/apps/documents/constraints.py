"""Check constraints whose argument Django renamed between the versions that we run on."""

import django
from django.db.models import CheckConstraint, Q


def check(name: str, condition: Q) -> CheckConstraint:
    """A database constraint `name` that every row must satisfy."""
    # Django 5.1 renamed `check` to `condition`, and 6.0 knows only the latter.
    if django.VERSION >= (5, 1):
        return CheckConstraint(name=name, condition=condition)
    return CheckConstraint(name=name, check=condition)  # type: ignore[call-arg]  # the stubs know the new name only
