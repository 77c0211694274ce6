"""A project with pages of its own, which has the console as one of them, and lets nothing be replaced by one person alone."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "two_people_urls"
LOGIN_URL = "/admin/login/"
BACKUP_SECOND_PERSON = ["restore", "delete"]
