"""The shelf: small Django projects, each with a shape that systems in the field have, and what is expected of it.

A project is a folder in `projects/` that is laid over `projects/common`. A new shape is a folder and a row here.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

PROJECTS = Path(__file__).parent / "projects"


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A row of the table.

    Attributes:
        shape: what systems in the field are like that have it.
        also: further folders of `projects/` that are laid over it.
        findings: ids of `check --tag backup` right after the installation. Exactly these are expected.
        open: ids of `backup_health` after a good backup, besides those that the machine brings.
        state: the verdict before the loss; after it what was not in the backup is no more, and cannot be seen.
        databases: the engines that it is tried on.
        second_database: its settings name a database `second` too.
        settings, urls: the files that the page's lines go into.
        lines: further settings, as the reference names them.
        rebuilds: what a restore must tell people to rebuild.
        api: the host has Django REST framework, and includes API and console.
        sign_in: how a user signs in: `page`, or `token` where the host has no page for it.
        executors: who runs what is due.
    """

    name: str
    shape: str
    also: tuple[str, ...] = ()
    findings: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    state: str = "PROTECTED"
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    second_database: bool = False
    settings: str = "host/settings.py"
    urls: str = "host/urls.py"
    lines: str = ""
    rebuilds: tuple[str, ...] = ()
    api: bool = True
    sign_in: str = "page"
    executors: tuple[str, ...] = ("cron", "agent")

    @property
    def settings_module(self) -> str:
        """The name for DJANGO_SETTINGS_MODULE."""
        return self.settings.removesuffix(".py").replace("/", ".")


SHELF = (
    Project(
        "plain",
        "FileField below MEDIA_ROOT, the database beside it",
        databases=("sqlite", "postgresql", "mariadb"),
    ),
    Project(
        "text_paths",
        "text fields that name files outside of MEDIA_ROOT",
        lines=(
            'BACKUP_FILE_ROOTS = {"storage": BASE_DIR / "storage"}\n'
            'BACKUP_REFERENCE_FIELDS = {"shape.Scan.filename": BASE_DIR / "storage"}\n'
        ),
    ),
    Project(
        "text_paths_unsaid",
        "the same, and no setting says so: the files must not be called safe",
        also=("text_paths",),
        open=frozenset({"W043"}),
        state="AT_RISK",
        # Its files are lost, as the finding says; the rest comes back.
        lines="HOST_FOLDERS = [MEDIA_ROOT]\n",
        executors=("cron",),
    ),
    Project(
        "named_folders",
        "settings name three folders: one is captured, one can be rebuilt, and one is in no backup",
        findings=frozenset({"W046"}),
        open=frozenset({"W046"}),
        lines=(
            'BACKUP_FILE_ROOTS = {"inbox": INBOX_DIR}\n'
            'BACKUP_NOT_BACKED_UP = [BASE_DIR / "index"]\n'
            'BACKUP_REBUILD_AFTER_RESTORE = ["manage.py rebuild_index"]\n'
        ),
        rebuilds=("manage.py rebuild_index",),
        databases=("sqlite",),
        executors=("cron",),
    ),
    Project("wrapped_storage", "storages that are lazy, prefix names, or have another storage"),
    Project(
        "sqlite_inside",
        "the SQLite file lies inside MEDIA_ROOT",
        databases=("sqlite",),
    ),
    Project(
        "jwt",
        "Django REST framework with JWT alone and settings of its own; no page to sign in",
        sign_in="token",
        # The page of the console leads to a log-in that is not there; the component takes the tokens.
        findings=frozenset({"W048"}),
        open=frozenset({"W048"}),
    ),
    Project("catch_all", "a single-page application answers every other address"),
    Project(
        "own_settings",
        "settings of a package, which a module of one's own imports",
        settings="backup_settings.py",
        urls="backup_urls.py",
    ),
    Project("gzip", "GZipMiddleware around everything"),
    Project(
        "brotli",
        "middleware around everything that compresses streams, too, with brotli or zstd",
        databases=("sqlite",),
        executors=("cron",),
    ),
    Project(
        "custom_user", "users without names, known by address and UUID", databases=("sqlite", "postgresql", "mariadb")
    ),
    Project("two_databases", "routers and a second database", second_database=True),
    Project("awkward_tables", "reserved words, UUID and integer keys, a table that Django does not manage"),
    Project("celery", "Celery workers and Beat, with a queue of another name", executors=("celery",)),
    Project("no_admin", "the admin is not installed"),
    Project("naive_times", "USE_TZ = False in a zone with summer time"),
    Project("atomic", "ATOMIC_REQUESTS, and connections kept for ten minutes"),
    Project("bare", "neither Django REST framework nor drf-spectacular: the commands and the agent alone", api=False),
)
BY_NAME = {project.name: project for project in SHELF}
