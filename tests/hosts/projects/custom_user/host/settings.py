from host.common import *  # noqa: F403
from host.common import INSTALLED_APPS

INSTALLED_APPS = ["people", *INSTALLED_APPS]
AUTH_USER_MODEL = "people.Person"
