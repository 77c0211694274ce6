"""The EDMS for clients that ask thousands of times a minute."""

from config.settings import *  # noqa: F403

BACKUP_API_RATES = {"read": None, "change": None, "download": None}
