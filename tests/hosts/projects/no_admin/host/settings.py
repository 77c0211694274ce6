from host.common import *  # noqa: F403
from host.common import INSTALLED_APPS

INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "django.contrib.admin"]
