from django.conf import settings
from django.db import models


class Document(models.Model):
    title = models.CharField(max_length=200)
    file = models.FileField(upload_to="documents/%Y")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    received = models.DateTimeField()
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
