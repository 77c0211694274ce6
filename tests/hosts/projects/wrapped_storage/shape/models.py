from django.db import models
from host.storages import delegating, prefixed, vault


class Paper(models.Model):
    locked = models.FileField(storage=vault)
    shared = models.FileField(storage=prefixed)
    inner = models.FileField(storage=delegating)
