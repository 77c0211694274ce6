"""The record `manifest.json` in every snapshot and package: its contents, their time and the versions.

It is JSON in UTF-8, written last and read strictly: unknown fields, wrong types and a size above the limit are errors.
Times are ISO 8601 with offset and microseconds, sizes are bytes, SHA-256 values are hexadecimal. A reader refuses a
`format` newer than its own; a writer raises `FORMAT` with every change that an older reader would misunderstand.
"""

from __future__ import annotations

import datetime
from typing import Final

import msgspec

from ..errors import BackupError

FORMAT: Final = 2
"""The difference of format 2: an empty `key` of a table in portable form says that the table has none."""
_READ: Final = (1, FORMAT)
NAME: Final = "manifest.json"
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_EXAMPLES: Final = 100
"""The most missing references that the manifest names; it counts all of them."""


class ManifestInvalid(BackupError):
    """The manifest is missing, damaged, too large or of a newer format."""


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class JobFacts(_Record, frozen=True):
    """The job that made this backup."""

    uuid: str
    name: str
    configuration: str
    type: str
    started_at: datetime.datetime


class ProjectFacts(_Record, frozen=True):
    """The software of the project that made the backup. `apps` maps app labels to their stated versions, or to ""."""

    python: str
    django: str
    apps: dict[str, str]
    code_migrations: dict[str, list[str]]
    """Leaf migrations of the code, by app label."""


class SecretFingerprint(_Record, frozen=True):
    """The fingerprint of a secret: scrypt over it with a salt of its own, both in hex.

    It shows which secret was in use and does not reveal it. `digest` is "" for a secret that was not set.
    """

    name: str
    salt: str
    digest: str


class Grant(_Record, frozen=True):
    """A right on a database; the grantee "" is PUBLIC."""

    grantee: str
    privilege: str
    grantable: bool = False


class ServerFacts(_Record, frozen=True):
    """Facts that a PostgreSQL server keeps about a database, and that no dump of the database holds.

    `access` is None where nothing was granted or revoked. `role_settings` are those of ALTER ROLE … IN DATABASE.
    `search_path` is the one of the application's role; "" if it is not known. `session_settings` are those at the start
    of its sessions, the ones with precedence last. `extensions` maps names to versions. `not_dumped` names the objects
    that pg_dump left out.
    """

    owner: str
    search_path: str = ""
    session_settings: list[str] = []
    connection_limit: int = -1
    comment: str = ""
    access: list[Grant] | None = None
    role_settings: dict[str, list[str]] = {}
    extensions: dict[str, str] = {}
    publications: list[str] = []
    event_triggers: list[str] = []
    not_dumped: list[str] = []


class DatabaseRecord(_Record, frozen=True):
    """One database at the consistency point.

    `path` is the dump inside the snapshot, `size` and `sha256` are of its stream. `tables` maps every table, modelled
    or not, to its number of rows; `sequences` maps sequences to their last value, null if never used.
    `migrations` holds the applied leaf migrations by app label. The fields after it are empty for SQLite. `server` is
    None in backups that were made before this field existed.
    """

    alias: str
    engine: str
    path: str
    size: int
    sha256: str
    cut_at: datetime.datetime
    server_version: str
    tables: dict[str, int]
    migrations: dict[str, list[str]]
    tool: str = ""
    database: str = ""
    encoding: str = ""
    collation: str = ""
    character_type: str = ""
    locale_provider: str = ""
    icu_locale: str = ""
    icu_rules: str = ""
    settings: list[str] = []
    roles: list[str] = []
    sequences: dict[str, int | None] = {}
    large_objects: int = 0
    warnings: list[str] = []
    server: ServerFacts | None = None


class ColumnRecord(_Record, frozen=True):
    """One column of a table in portable form.

    `kind` is the form of its values (`portable.forms`), `item` the form of the items of an array. `type` is the
    database's name of the type, for users, and for values that only the same kind of database can hold.
    """

    name: str
    kind: str
    type: str
    nullable: bool
    item: str = ""


class TableRecord(_Record, frozen=True):
    """One table in portable form.

    `path` is its file in the package, with one row a line, ordered by `key`, the primary key, or by all columns where
    there is none. `model` is its model as app.Model, "" for a table that no migration knows. `counters` are the last
    values of columns that number themselves.
    """

    name: str
    path: str
    model: str
    columns: list[ColumnRecord]
    key: list[str]
    rows: int
    size: int
    sha256: str
    counters: dict[str, int] = {}


class DataRecord(_Record, frozen=True):
    """One database in portable form at the consistency point.

    `applied` are all applied migrations and `migrations` the leaves among them, by app label. `time_zone` is the zone
    of timestamps that the database holds without one; `bare_moments` says that the package has them without one, too.
    """

    alias: str
    engine: str
    server_version: str
    cut_at: datetime.datetime
    time_zone: str
    bare_moments: bool
    applied: dict[str, list[str]]
    migrations: dict[str, list[str]]
    tables: list[TableRecord]
    warnings: list[str] = []
    """Things that the package could not hold: any of them makes the backup INCOMPLETE."""
    notes: list[str] = []
    """Things that a restore brings back in another form."""

    @property
    def size(self) -> int:
        """The bytes of all tables."""
        return sum(table.size for table in self.tables)


class FileRootRecord(_Record, frozen=True):
    """One file root: its folder, and the numbers that the backup counted while it read the folder.

    The stored numbers differ if files changed, vanished or could not be read meanwhile; the job names these files.
    """

    name: str
    path: str
    files: int
    folders: int
    others: int
    bytes: int


class ReferenceFacts(_Record, frozen=True):
    """The files that the databases name, compared with those that were read.

    `fields` are the columns that were read. `missing` counts named files that do not exist (the first are in
    `examples`), `excluded` those that are left out on purpose, and `orphans` the files that no column names.
    """

    fields: list[str]
    checked: int
    missing: int
    excluded: int
    orphans: int
    examples: list[str]


class OutsideColumn(_Record, frozen=True):
    """A column of text whose values name files that lie in no file root.

    `sampled` values looked like paths, and `outside` of them led to such files; the first are in `examples`. `folders`
    hold these files. `base` is the folder of relative values; "" where they cannot be compared one by one.
    """

    label: str
    sampled: int
    outside: int
    examples: list[str]
    base: str
    folders: list[str]


class OutsideFacts(_Record, frozen=True):
    """The result of a look at the values of text columns.

    `unread` names the tables that could not be sampled, and says why.
    """

    columns: list[OutsideColumn]
    unread: list[str] = []


class Manifest(_Record, frozen=True, omit_defaults=True):
    """The whole record. `databases` holds each database with a dump of its own, `data` those in portable form."""

    format: int
    software: str
    job: JobFacts
    cut_at: datetime.datetime
    project: ProjectFacts
    secrets: list[SecretFingerprint]
    databases: list[DatabaseRecord]
    files: list[FileRootRecord]
    references: ReferenceFacts
    fact_files: list[str]
    """Names under `project/`; empty where the repository is not encrypted."""
    problems: int
    data: list[DataRecord] = []
    outside: OutsideFacts | None = None
    """None in a backup without a database, and in backups that were made before this field existed."""

    @property
    def tables(self) -> list[tuple[str, str, int]]:
        """Every table of both forms: the alias of its database, its name, its number of rows."""
        dumped = [(one.alias, name, rows) for one in self.databases for name, rows in one.tables.items()]
        return dumped + [(one.alias, table.name, table.rows) for one in self.data for table in one.tables]


class _Header(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(data: bytes) -> Manifest:
    """Read a manifest. Raises `ManifestInvalid`, which says what is wrong with it."""
    if len(data) > MAX_BYTES:
        raise ManifestInvalid(f"{NAME} has more than {MAX_BYTES} bytes; it was not written by this software.")
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.format not in _READ:
            raise ManifestInvalid(
                f"{NAME} has format {header.format}, this software reads up to {FORMAT}; use the version that wrote it."
            )
        manifest = msgspec.json.decode(data, type=Manifest)
        return manifest if header.format == FORMAT else _of_format_1(manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestInvalid(f"{NAME} is damaged or was not written by this software: {error}.") from error


def _of_format_1(manifest: Manifest) -> Manifest:
    """Remove each key of all columns: format 1 also wrote it for a table without a key, which may have equal rows."""
    data = [
        msgspec.structs.replace(
            record,
            tables=[
                msgspec.structs.replace(table, key=[]) if len(table.key) == len(table.columns) else table
                for table in record.tables
            ],
        )
        for record in manifest.data
    ]
    return msgspec.structs.replace(manifest, data=data)
