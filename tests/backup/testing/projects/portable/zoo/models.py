"""Every kind of field, and every kind of relation."""

import os
import uuid

import django
from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver


class Everything(models.Model):
    label = models.CharField(max_length=40, unique=True)
    big = models.BigIntegerField(null=True)
    binary = models.BinaryField(null=True)
    boolean = models.BooleanField(null=True)
    char = models.CharField(max_length=40, null=True)
    date = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    decimal = models.DecimalField(max_digits=15, decimal_places=5, null=True)
    duration = models.DurationField(null=True)
    email = models.EmailField(null=True)
    file = models.FileField(null=True)
    floating = models.FloatField(null=True)
    address = models.GenericIPAddressField(null=True)
    integer = models.IntegerField(null=True)
    document = models.JSONField(null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    positive = models.PositiveIntegerField(null=True)
    positive_small = models.PositiveSmallIntegerField(null=True)
    slug = models.SlugField(null=True)
    small = models.SmallIntegerField(null=True)
    text = models.TextField(null=True)
    time = models.TimeField(null=True)
    url = models.URLField(null=True)
    uuid = models.UUIDField(null=True)
    if django.VERSION >= (5, 0):
        twice = models.GeneratedField(
            expression=models.F("small") * 2, output_field=models.IntegerField(), db_persist=True, null=True
        )


class Coded(models.Model):
    """A key of its own, in a table and columns with names of their own."""

    code = models.CharField(max_length=20, primary_key=True, db_column="the code")
    name = models.CharField(max_length=40, db_column="Name")

    class Meta:
        db_table = "zoo coded é"


class Node(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    coded = models.ForeignKey(Coded, models.PROTECT, null=True)
    friends = models.ManyToManyField("self")


class Hen(models.Model):
    egg = models.ForeignKey("Egg", models.CASCADE, null=True, related_name="+")


class Egg(models.Model):
    hen = models.OneToOneField(Hen, models.CASCADE, related_name="+")


class Place(models.Model):
    name = models.CharField(max_length=40)


class Restaurant(Place):
    stars = models.SmallIntegerField()


class Pizzeria(Restaurant):
    guests = models.ManyToManyField(Place, through="Visit", related_name="+")


class Visit(models.Model):
    place = models.ForeignKey(Place, models.CASCADE, related_name="+")
    pizzeria = models.ForeignKey(Pizzeria, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        unique_together = [("place", "pizzeria", "at")]
        constraints = [models.UniqueConstraint(fields=["place"], name="one_visit")]
        indexes = [models.Index(fields=["at"], name="visit_at")]


class Tag(models.Model):
    word = models.SlugField()
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=40)
    target = GenericForeignKey()


class Renamed(Place):
    class Meta:
        proxy = True


class Precise(models.Model):
    """More digits than SQLite keeps."""

    number = models.DecimalField(max_digits=30, decimal_places=10)


if os.environ.get("ZOO_LATER"):

    class Later(models.Model):
        """The model in the next version of the application."""

        label = models.CharField(max_length=40)


@receiver(post_save)
def heard(sender, **kwargs):
    # The models of migrations are made for them alone.
    if sender._meta.app_label == "zoo" and sender.__module__ != "__fake__":
        with (settings.HOME / "signals").open("a") as file:
            file.write(f"{sender.__name__}\n")
