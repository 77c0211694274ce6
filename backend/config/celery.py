"""The Celery application of the EDMS: `celery -A config worker`, `celery -A config beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("edms")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(name="edms.heartbeat")
def heartbeat() -> None:
    """Do nothing. Beat sends this task every minute, which shows that Beat is running."""
