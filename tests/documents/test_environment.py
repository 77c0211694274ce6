"""Environment variables: valid values, and the errors for invalid ones."""

import contextlib
import importlib
import sqlite3

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.documents.apps import _have_media_folder
from config.environment import database, secret, secret_key


@pytest.mark.parametrize(
    "address", ["postgresql://u:topsecret@host:topsecret/x", "nonsense://u:topsecret@host/x", "topsecret"]
)
def test_an_invalid_url_is_refused_without_its_password(installation, address):
    done = installation.manage("check", DATABASE_URL=address)
    assert done.returncode != 0
    assert "DATABASE_URL is invalid" in done.errors
    assert "topsecret" not in done.errors


def test_an_invalid_flag_is_refused(installation):
    done = installation.manage("check", DJANGO_DEBUG="maybe")
    assert done.returncode != 0
    assert "DJANGO_DEBUG is 'maybe'. Set it to 1 or 0." in done.errors


def test_a_home_that_cannot_be_created_is_refused(installation):
    done = installation.manage("check", EDMS_HOME="/proc/nothing")
    assert done.returncode != 0
    assert "Cannot create the folder /proc/nothing" in done.errors


def test_an_empty_secret_key_is_refused(installation):
    installation.home.mkdir()
    (installation.home / "secret_key").touch()
    done = installation.manage("check")
    assert done.returncode != 0
    assert "secret_key is empty" in done.errors


def test_defaults(installation):
    program = (
        "import django; django.setup(); from django.conf import settings as s; from django.db import connection as c;"
        "c.ensure_connection();"
        "print(s.DEBUG, s.ALLOWED_HOSTS, c.vendor, c.cursor().execute('PRAGMA journal_mode').fetchone()[0])"
    )
    done = installation("-c", program)
    assert done.output.strip() == "False ['localhost', '127.0.0.1', '[::1]'] sqlite wal", done.errors
    assert installation.home.stat().st_mode & 0o777 == 0o700


def test_database_and_documents_are_private_in_an_open_folder(tmp_path, settings):
    tmp_path.chmod(0o755)
    options = {
        name: value for name, value in database("", tmp_path)["OPTIONS"].items() if name in {"timeout", "factory"}
    }
    place = tmp_path / "edms.sqlite3"
    with contextlib.closing(sqlite3.connect(place, **options)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert made == {"edms.sqlite3": 0o600, "edms.sqlite3-wal": 0o600, "edms.sqlite3-shm": 0o600}
    place.chmod(0o640)
    with contextlib.closing(sqlite3.connect(place, **options)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert place.stat().st_mode & 0o777 == 0o640
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        sqlite3.connect(tmp_path / "nothing/x", **options)
    settings.MEDIA_ROOT = tmp_path / "media"
    _have_media_folder()
    assert settings.MEDIA_ROOT.stat().st_mode & 0o777 == 0o700


def test_a_secret_comes_from_its_variable_or_file(monkeypatch, tmp_path):
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    monkeypatch.delenv("CELERY_BROKER_URL_FILE", raising=False)
    assert secret("CELERY_BROKER_URL") == ""
    (tmp_path / "broker").write_text("redis://:hidden@redis/0\n")
    monkeypatch.setenv("CELERY_BROKER_URL_FILE", str(tmp_path / "broker"))
    assert secret("CELERY_BROKER_URL") == "redis://:hidden@redis/0"
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://other/0")
    assert secret("CELERY_BROKER_URL") == "redis://other/0"


def test_a_missing_secret_file_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("DJANGO_SECRET_KEY", raising=False)
    monkeypatch.setenv("DJANGO_SECRET_KEY_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEY_FILE"):
        secret_key(tmp_path)


def test_a_password_can_be_separate_from_the_url(installation, tmp_path):
    (tmp_path / "password").write_text("topsecret\n")
    variables = {"DATABASE_URL": "postgresql://u@host/x", "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    program = "from config import settings as s; print(s.DATABASES['default']['PASSWORD'])"
    assert installation("-c", program, **variables).output.strip() == "topsecret"
    done = installation("-c", program, **variables | {"DATABASE_URL": "postgresql://u:hidden1@host/x"})
    assert "Remove one of them" in done.errors
    assert "topsecret" not in done.errors
    assert "hidden1" not in done.errors
    done = installation("-c", program, **variables | {"DATABASE_PASSWORD_FILE": str(tmp_path / "nothing")})
    assert "in DATABASE_PASSWORD_FILE" in done.errors


def test_static_files_are_served_only_if_collected(installation, tmp_path):
    program = "from config import settings as s; print('whitenoise' in str(s.MIDDLEWARE), s.STATIC_ROOT)"
    assert installation("-c", program).output.strip() == f"False {installation.home / 'static'}"
    collected = installation("-c", program, EDMS_STATIC_ROOT=str(tmp_path / "s"))
    assert collected.output.strip() == f"True {tmp_path / 's'}"


@pytest.mark.parametrize(("seconds", "sent"), [("", None), ("3600", "max-age=3600")])
def test_browsers_are_told_to_use_https_if_asked(installation, seconds, sent):
    program = (
        "import django; django.setup(); from django.test import Client;"
        "print(Client(SERVER_NAME='localhost').get('/nowhere', secure=True).headers.get('Strict-Transport-Security'))"
    )
    assert installation("-c", program, EDMS_HSTS_SECONDS=seconds).output.strip() == str(sent)


def test_the_checks_of_a_deployment_are_about_the_deployment(installation):
    """The warnings of drf-spectacular about the API document would hide them."""
    errors = installation.manage("check", "--deploy").errors
    assert "(security.W" in errors
    assert "spectacular" not in errors


def test_a_log_level_sends_everything_to_standard_error(installation):
    program = "import django; django.setup(); import logging; logging.getLogger('x').info('told')"
    assert "told" not in installation("-c", program).errors
    assert "INFO x: told" in installation("-c", program, EDMS_LOG_LEVEL="info").errors


def test_a_mariadb_url_is_accepted(tmp_path):
    settings = database("mysql://u@host:3307/name", tmp_path, password="p@ss")
    assert (settings["ENGINE"], settings["NAME"], settings["HOST"], settings["PORT"]) == (
        "django.db.backends.mysql",
        "name",
        "host",
        3307,
    )
    assert settings["PASSWORD"] == "p@ss"
    assert settings["OPTIONS"] == {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"}
    assert importlib.import_module("MySQLdb").version_info >= (1, 4, 3)

    settings = database("mysql://u:p@host/name?init_command=SET%20x&connect_timeout=5", tmp_path)
    assert settings["OPTIONS"] == {"charset": "utf8mb4", "init_command": "SET x", "connect_timeout": 5}
