"""Check constraints for all supported versions of Django: their argument is `check` in 4.2, `condition` from 5.1 on.

Migrations use these functions too: `makemigrations` writes `CheckConstraint(condition=…)`, which Django 4.2 refuses.
"""

from collections.abc import Callable, Sequence

import django
from django.db import models


def check_constraint(condition: models.Q, name: str) -> models.CheckConstraint:
    """Return a constraint of the database: every row satisfies `condition`."""
    make: Callable[..., models.CheckConstraint] = models.CheckConstraint
    keyword = "condition" if django.VERSION >= (5, 1) else "check"
    return make(**{keyword: condition}, name=name)


def one_of(field: str, values: Sequence[str], name: str) -> models.CheckConstraint:
    """Return a constraint of the database: `field` holds one of `values`."""
    return check_constraint(models.Q(**{f"{field}__in": sorted(values)}), name)
