import uuid

from django.db import models


class Order(models.Model):
    """A table and columns with reserved words, and a key that is no number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    select = models.CharField(max_length=20, db_column="select")
    group = models.IntegerField(db_column="Group")

    class Meta:
        db_table = "order"


class Line(models.Model):
    """An integer key that counts nothing, and a reference to a key that is no number."""

    id = models.IntegerField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE)


class Legacy(models.Model):
    """A table that another program made."""

    code = models.CharField(max_length=10, primary_key=True)
    note = models.TextField()

    class Meta:
        managed = False
        db_table = "LEGACY-codes"
