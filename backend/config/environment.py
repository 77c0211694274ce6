"""Settings from environment variables: folders, the database, the secret key."""

import importlib
import importlib.util
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Final

import dj_database_url
import django
from django.core.exceptions import ImproperlyConfigured

from .sqlite import PrivateConnection

# The seconds that a writer waits for another one on SQLite. A bulk import commits a batch in much less.
SQLITE_TIMEOUT: Final = 60

TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS: Final = frozenset({"", "0", "false", "no", "off"})


def folder(name: str, default: Path) -> Path:
    """Return the absolute folder in variable `name`, or `default` if it is unset or empty."""
    return Path(os.environ.get(name) or default).expanduser().resolve()


def flag(name: str) -> bool:
    """Return whether variable `name` is on. Raises ImproperlyConfigured for a word that is neither yes nor no."""
    word = os.environ.get(name, "").strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}. Set it to 1 or 0.")


def words(name: str, default: list[str]) -> list[str]:
    """Return the comma-separated words of variable `name`, or `default` if it is unset or empty."""
    found = [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]
    return found or default


def secret(name: str) -> str:
    """Return the secret in variable `name`, or in the file that `name`_FILE names, as container engines mount it.

    Leading and trailing white space of the file is removed. Without either, return "".
    """
    given = os.environ.get(name)
    if given:
        return given
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"Cannot read the file {path} in {name}_FILE: {error}. Check its path.") from error


def make_private_folder(path: Path) -> None:
    """Create `path` with mode 0700 if it is missing. Raises ImproperlyConfigured if that fails."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot create the folder {path}: {error.strerror}. Set EDMS_HOME to a folder that can be written."
        ) from error


def database(url: str, home: Path, *, password: str = "") -> dj_database_url.DBConfig:
    """Return the settings of the database at `url`, or of an SQLite file in `home` for an empty `url`.

    `password` is for a `url` without a password. Then the URL is no secret, and the password can be the same file that
    the database server reads.
    """
    try:
        settings = dj_database_url.parse(url or f"sqlite:///{home / 'edms.sqlite3'}")
    except ValueError:
        # The URL may have a password: neither the URL nor the parser's error, which quotes parts of it, is shown.
        raise ImproperlyConfigured(
            "DATABASE_URL is invalid. It needs the form postgresql://user:password@host:port/name, mysql://… or"
            " sqlite:///path."
        ) from None
    if password:
        if settings.get("PASSWORD"):
            raise ImproperlyConfigured(
                "DATABASE_URL has a password, and DATABASE_PASSWORD is set, too. Remove one of them."
            )
        settings["PASSWORD"] = password
    if settings.get("ENGINE") == "django.db.backends.sqlite3":
        options: dict[str, object] = {"timeout": SQLITE_TIMEOUT, "factory": PrivateConnection}
        if django.VERSION >= (5, 1):
            # IMMEDIATE takes the write lock when a transaction starts. A deferred transaction that reads first fails at
            # once, whatever the timeout, if another writer was faster.
            options["transaction_mode"] = "IMMEDIATE"
            options["init_command"] = "PRAGMA journal_mode=WAL;"
        settings["OPTIONS"] = options
    else:
        settings["CONN_MAX_AGE"] = 60
        settings["CONN_HEALTH_CHECKS"] = True
    if settings.get("ENGINE") == "django.db.backends.mysql":
        _have_mysql_driver()
        # A value that is too long is an error, as in other databases, and is not truncated.
        settings["OPTIONS"] = {
            "charset": "utf8mb4",
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES'",
            **settings.get("OPTIONS", {}),
        }
    return settings


def _have_mysql_driver() -> None:
    """Install PyMySQL as `MySQLdb` if mysqlclient, which Django needs, is missing."""
    if importlib.util.find_spec("MySQLdb") is not None:
        return
    if importlib.util.find_spec("pymysql") is None:
        raise ImproperlyConfigured("DATABASE_URL needs a driver for MariaDB and MySQL. Install mysqlclient or pymysql.")
    importlib.import_module("pymysql").install_as_MySQLdb()


def secret_key(home: Path) -> str:
    """Return the secret DJANGO_SECRET_KEY, or the key in `home/secret_key`, created with mode 0600 on first use.

    A dry run creates no file: it and its child processes use a temporary key.
    """
    given = secret("DJANGO_SECRET_KEY")
    if given:
        return given
    path = home / "secret_key"
    if not path.exists() and "--dry-run" in sys.argv:
        os.environ["DJANGO_SECRET_KEY"] = secrets.token_urlsafe(50)
        return os.environ["DJANGO_SECRET_KEY"]
    if not path.exists():
        # The link is atomic and exclusive: two processes that start at once read the same key.
        handle, name = tempfile.mkstemp(prefix=".secret_key-", dir=home)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(50))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, path)
            except FileExistsError:
                return path.read_text().strip()
        finally:
            Path(name).unlink()
    key = path.read_text().strip()
    if not key:
        raise ImproperlyConfigured(f"{path} is empty. Remove it to create a new key, or set DJANGO_SECRET_KEY.")
    return key
