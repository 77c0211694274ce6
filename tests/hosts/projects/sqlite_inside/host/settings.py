from host.common import *  # noqa: F403
from host.common import BASE_DIR

# One volume for everything, as images of many applications have it: data/db.sqlite3 beside data/documents.
MEDIA_ROOT = BASE_DIR / "data"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": MEDIA_ROOT / "db.sqlite3"}}
