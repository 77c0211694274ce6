"""Check constraints for all supported versions of Django, which renamed their argument."""

import django
from django.db.models import CheckConstraint, Q


def check(name: str, condition: Q) -> CheckConstraint:
    """Return a database constraint `name` that every row must satisfy."""
    # Django 5.1 renamed `check` to `condition`; 6.0 has only the new name.
    if django.VERSION >= (5, 1):
        return CheckConstraint(name=name, condition=condition)
    return CheckConstraint(name=name, check=condition)  # type: ignore[call-arg]  # the stubs have only the new name
