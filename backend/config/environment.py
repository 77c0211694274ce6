"""What the environment says, turned into settings: folders, the database, the secret key."""

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

# How long a writer waits for another one on SQLite, in seconds. A bulk import commits a batch in far less.
SQLITE_TIMEOUT: Final = 60

TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS: Final = frozenset({"", "0", "false", "no", "off"})


def folder(name: str, default: Path) -> Path:
    """The absolute folder that variable `name` holds, or `default` where it is unset or empty."""
    return Path(os.environ.get(name) or default).expanduser().resolve()


def flag(name: str) -> bool:
    """Whether variable `name` is switched on; ImproperlyConfigured for a word that is neither yes nor no."""
    word = os.environ.get(name, "").strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}: set it to 1 or 0.")


def words(name: str, default: list[str]) -> list[str]:
    """The comma-separated words of variable `name`, or `default` where it is unset or empty."""
    found = [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]
    return found or default


def secret(name: str) -> str:
    """What variable `name` holds, or the file that `name`_FILE names, as container engines mount secrets; else "".

    White space at both ends of the file is removed.
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
        raise ImproperlyConfigured(f"The file {path} that {name}_FILE names cannot be read: {error}.") from error


def make_private_folder(path: Path) -> None:
    """Make `path` with mode 0700 where it is missing; ImproperlyConfigured when that cannot be done."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The folder {path} cannot be made: {error.strerror}. Point EDMS_HOME at a folder that can be written."
        ) from error


def database(url: str, home: Path, *, password: str = "") -> dj_database_url.DBConfig:
    """The settings of the database at `url`, or of a SQLite file in `home` for an empty one.

    `password` is that of an address without one: so the address may be read by everybody, and the password is the very
    file that the server reads.
    """
    try:
        settings = dj_database_url.parse(url or f"sqlite:///{home / 'edms.sqlite3'}")
    except ValueError:
        # The address may hold a password: neither it nor the parser's own error, which quotes parts of it, is shown.
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read: it needs the form postgresql://user:password@host:port/name, mysql://… or"
            " sqlite:///path."
        ) from None
    if password:
        if settings.get("PASSWORD"):
            raise ImproperlyConfigured("DATABASE_URL holds a password, and DATABASE_PASSWORD too: keep one of them.")
        settings["PASSWORD"] = password
    if settings.get("ENGINE") == "django.db.backends.sqlite3":
        options: dict[str, object] = {"timeout": SQLITE_TIMEOUT, "factory": PrivateConnection}
        if django.VERSION >= (5, 1):
            # IMMEDIATE takes the write lock when a transaction starts. A deferred one that reads first and writes
            # later fails at once when another writer came between, whatever the timeout.
            options["transaction_mode"] = "IMMEDIATE"
            options["init_command"] = "PRAGMA journal_mode=WAL;"
        settings["OPTIONS"] = options
    else:
        settings["CONN_MAX_AGE"] = 60
        settings["CONN_HEALTH_CHECKS"] = True
    if settings.get("ENGINE") == "django.db.backends.mysql":
        _have_mysql_driver()
        # A value that does not fit is an error, as everywhere else, and is not cut off.
        settings["OPTIONS"] = {
            "charset": "utf8mb4",
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES'",
            **settings.get("OPTIONS", {}),
        }
    return settings


def _have_mysql_driver() -> None:
    """Django asks for mysqlclient (`MySQLdb`); where it is not installed, PyMySQL stands in for it."""
    if importlib.util.find_spec("MySQLdb") is not None:
        return
    if importlib.util.find_spec("pymysql") is None:
        raise ImproperlyConfigured("DATABASE_URL is of a MariaDB or MySQL server: install mysqlclient or pymysql.")
    importlib.import_module("pymysql").install_as_MySQLdb()


def secret_key(home: Path) -> str:
    """The secret DJANGO_SECRET_KEY, or else the key in `home/secret_key`, made with mode 0600 on first use.

    A dry run makes no file: it and the processes that it starts have a key for their own time.
    """
    given = secret("DJANGO_SECRET_KEY")
    if given:
        return given
    path = home / "secret_key"
    if not path.exists() and "--dry-run" in sys.argv:
        os.environ["DJANGO_SECRET_KEY"] = secrets.token_urlsafe(50)
        return os.environ["DJANGO_SECRET_KEY"]
    if not path.exists():
        # The link is atomic and exclusive: of two processes that start at once, both read the key of the winner.
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
        raise ImproperlyConfigured(f"{path} is empty: remove it to have a new key made, or set DJANGO_SECRET_KEY.")
    return key
