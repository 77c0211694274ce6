"""Fields that only PostgreSQL has."""

from django.contrib.postgres.fields import ArrayField, IntegerRangeField
from django.db import models


class Arrays(models.Model):
    words = ArrayField(models.TextField(null=True), null=True)
    grid = ArrayField(ArrayField(models.FloatField()), default=list)
    moments = ArrayField(models.DateTimeField(), null=True)
    bits = ArrayField(models.BinaryField(), null=True)
    span = IntegerRangeField(null=True)
