"""A project with pages of its own, among them the console; no restore and no deletion is the affair of one person."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "two_people_urls"
LOGIN_URL = "/admin/login/"
BACKUP_SECOND_PERSON = ["restore", "delete"]
