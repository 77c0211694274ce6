"""The EDMS project: settings from the environment, URLs, entry points of web servers and Celery."""

from .celery import app as celery_app

__all__ = ["celery_app"]
