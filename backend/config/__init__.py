"""The EDMS project: settings from the environment, addresses, entry points of web servers and of Celery."""

from .celery import app as celery_app

__all__ = ["celery_app"]
