"""A project with every kind of field, on the database that ZOO_DATABASE describes; `ZOO_*` variables change it."""

import json
import os
from pathlib import Path

HOME = Path(os.environ["EDMS_HOME"])
SECRET_KEY = os.environ.get("ZOO_SECRET_KEY", "zoo")
DATABASES = {"default": json.loads(os.environ["ZOO_DATABASE"])}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql

    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    # An app without migrations, as nearly every project has one.
    "django.contrib.messages",
    "apps.backup",
    "zoo",
    *json.loads(os.environ.get("ZOO_APPS", "[]")),
]
MIGRATION_MODULES = json.loads(os.environ.get("ZOO_MIGRATIONS", "{}"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = json.loads(os.environ.get("ZOO_USE_TZ", "true"))
TIME_ZONE = os.environ.get("ZOO_TIME_ZONE", "UTC")
MEDIA_ROOT = HOME / "media"
BACKUP_STORAGE_ROOT = HOME / "backups"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SILENCED_SYSTEM_CHECKS = ["models.W036", "mysql.E001"]
