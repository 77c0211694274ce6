import os

from host.common import *  # noqa: F403
from host.common import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_celery_beat"]
CELERY_BROKER_URL = os.environ["HOST_BROKER"]
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_DEFAULT_QUEUE = "documents"
BACKUP_EXECUTOR = "celery"
