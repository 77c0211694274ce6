"""Settings of the EDMS project, all from environment variables; `README.md` lists them."""

import importlib.util
import os
from datetime import timedelta
from pathlib import Path

from .environment import database, flag, folder, make_private_folder, secret, secret_key, words

BASE_DIR = Path(__file__).resolve().parent.parent
EDMS_HOME = folder("EDMS_HOME", BASE_DIR.parent / "var")
make_private_folder(EDMS_HOME)

SECRET_KEY = secret_key(EDMS_HOME)
DEBUG = flag("DJANGO_DEBUG")
ALLOWED_HOSTS = words("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "apps.documents",
    "apps.backup",
]

MIDDLEWARE = [
    # First: a request that waits for a restore must not write a session either.
    "apps.backup.middleware.HoldWrites",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.headers.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

DATABASES = {"default": database(secret("DATABASE_URL"), EDMS_HOME, password=secret("DATABASE_PASSWORD"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Pages of the EDMS use sessions; scripts and other systems use tokens.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

# This deployment check concerns the quality of the API document, and its warnings would hide important ones.
SPECTACULAR_SETTINGS: dict[str, object] = {"ENABLE_DJANGO_DEPLOY_CHECK": False}
if DEBUG and importlib.util.find_spec("drf_spectacular_sidecar"):
    # Serve Swagger UI from this machine, not from a CDN.
    INSTALLED_APPS.append("drf_spectacular_sidecar")
    SPECTACULAR_SETTINGS |= {"SWAGGER_UI_DIST": "SIDECAR", "SWAGGER_UI_FAVICON_HREF": "SIDECAR"}

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = os.environ.get("EDMS_TIME_ZONE") or "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = folder("EDMS_STATIC_ROOT", EDMS_HOME / "static")
if os.environ.get("EDMS_STATIC_ROOT"):
    # The image has collected the static files there; the web server serves them, right after the security headers.
    MIDDLEWARE.insert(2, "whitenoise.middleware.WhiteNoiseMiddleware")
# Documents have no URL of their own: the admin and the API serve them to users with permission.
MEDIA_ROOT = EDMS_HOME / "media"

BACKUP_STORAGE_ROOT = folder("BACKUP_STORAGE_ROOT", EDMS_HOME / "backups")
BACKUP_EXECUTOR = os.environ.get("BACKUP_EXECUTOR", "")
BACKUP_SECRETS = ["SECRET_KEY"]
BACKUP_FALLBACK_ROOT = os.environ.get("BACKUP_FALLBACK_ROOT", "")
BACKUP_TRUSTED_PROXIES = words("BACKUP_TRUSTED_PROXIES", [])
BACKUP_CELERY_QUEUE = os.environ.get("BACKUP_CELERY_QUEUE", "")

# Only Celery reads these settings; without a broker they are not used.
CELERY_BROKER_URL = secret("CELERY_BROKER_URL")
CELERY_TIMEZONE = TIME_ZONE
# An empty message every minute. Beat writes the time of sending to the database, which shows that Beat is running. The
# message expires, so it does not queue up without a worker.
CELERY_BEAT_SCHEDULE = {
    "edms-heartbeat": {
        "task": "edms.heartbeat",
        "schedule": timedelta(minutes=1),
        "options": {"queue": BACKUP_CELERY_QUEUE or None, "expire_seconds": 50},
    },
}
# Without it Beat writes its state only every three minutes, and sends tasks again after a kill.
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# A message is acknowledged when its job has finished: the message of a killed worker goes to another one.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Seconds that a worker waits for its jobs after SIGQUIT before it stops them.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = float(os.environ.get("EDMS_STOP_SECONDS") or 30)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

if log_level := os.environ.get("EDMS_LOG_LEVEL"):
    # By default, Django only mails errors to administrators, and none are set here. Containers set a level, and their
    # engine stores standard error.
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": log_level.upper()},
    }

# Cookies are sent over plain HTTP only on loopback, which has no eavesdroppers and no certificate.
ONLY_LOOPBACK = set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]"}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ONLY_LOOPBACK
SESSION_COOKIE_HTTPONLY = True
if flag("EDMS_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Browsers store this value: a site that sets it cannot return to HTTP before the time is over.
SECURE_HSTS_SECONDS = int(os.environ.get("EDMS_HSTS_SECONDS") or 0)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
