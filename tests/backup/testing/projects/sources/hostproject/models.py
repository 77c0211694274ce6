import uuid

from django.db import models


class Everything(models.Model):
    big = models.BigIntegerField(default=0)
    binary = models.BinaryField(default=b"")
    flag = models.BooleanField(null=True)
    char = models.CharField(max_length=200, default="")
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    exact = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    lasting = models.DurationField(null=True)
    mail = models.EmailField(default="")
    file = models.FileField(upload_to="host/%Y", blank=True, default="")
    path_text = models.CharField(max_length=500, default="")
    floating = models.FloatField(null=True)
    address = models.GenericIPAddressField(null=True)
    number = models.IntegerField(default=0)
    structure = models.JSONField(null=True)
    positive_big = models.PositiveBigIntegerField(default=0)
    positive = models.PositiveIntegerField(default=0)
    positive_small = models.PositiveSmallIntegerField(default=0)
    slug = models.SlugField(default="")
    small = models.SmallIntegerField(default=0)
    text = models.TextField(default="")
    time = models.TimeField(null=True)
    link = models.URLField(default="")
    unique = models.UUIDField(default=uuid.uuid4)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    friends = models.ManyToManyField("self")


class Twin(models.Model):
    of = models.OneToOneField(Everything, primary_key=True, on_delete=models.CASCADE)
