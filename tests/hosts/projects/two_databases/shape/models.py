from django.db import models


class Letter(models.Model):
    text = models.TextField()
