"""The options of `restore_backup`: declare them, and read the backup and the restore request from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandParser

from ..backups.latest import EVERYTHING
from ..backups.references import BackupRef, package_ref
from ..backups.resolve import resolve_backup, wanted_parts
from ..core.paths import path_of, text_of
from ..policies.restore_request import RestoreRequest
from ..restores import RestoreRefused

Options = Mapping[str, object]


def add_restore_options(parser: CommandParser) -> None:
    """Add all options of the command."""
    _add_actions(parser)
    _add_parts(parser)
    _add_access(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("--no-safety-backup", action="store_true", help="do not back up the live state first")


def _add_actions(parser: CommandParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "backup",
        nargs="?",
        help="`latest`, a job's uuid or the beginning of it, a snapshot id, a job name, or a package file",
    )
    what.add_argument("--package", metavar="FILE", help="a package file, of this system or of another one")
    what.add_argument("--list", action="store_true", help="list the restores whose replaced data is still kept")
    what.add_argument("--rollback", metavar="RESTORE", help="make the state before this restore live again")
    what.add_argument("--release", metavar="RESTORE", help="delete the data that this restore replaced")
    what.add_argument(
        "--open-kept",
        metavar="RESTORE",
        help="show how to inspect the data that this restore replaced, and allow connections to its PostgreSQL"
        " databases",
    )


def _add_parts(parser: CommandParser) -> None:
    parser.add_argument(
        "--to-folder", metavar="DIR", help="restore into an empty folder; the live system is not changed"
    )
    parser.add_argument(
        "--to-database",
        metavar="NAME",
        help="restore the database into a new one with this name, or a new SQLite file; the live system is not changed",
    )
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        help="with --to-folder: restore only this file or folder of the backup; may be repeated",
    )
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        help="with --to-database: restore only this table; may be repeated",
    )
    parser.add_argument("--only", choices=["database", "files"], help="restore only this part")
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="NAME",
        help="do not restore this: a table of a portable package, or an object of a PostgreSQL database as the plan"
        " names it, such as extension:postgis; may be repeated",
    )


def _add_access(parser: CommandParser) -> None:
    access = parser.add_mutually_exclusive_group()
    access.add_argument(
        "--drop-access",
        action="store_true",
        default=None,
        help="remove all sessions and tokens from the restored database before it goes live, so that all users must"
        " sign in again. This is the default for a package of another system",
    )
    access.add_argument(
        "--keep-access",
        dest="drop_access",
        action="store_false",
        help="keep all sessions and tokens, including those of another system and those that have ended since",
    )


def named_backup(options: Options, request: RestoreRequest) -> BackupRef:
    """Return the backup or package file that the options name."""
    if options["package"]:
        return package_ref(Path(str(options["package"])))
    only = "database" if request.target == "database" else request.only or None
    wanted = EVERYTHING if request.target == "folder" else wanted_parts(only)
    return resolve_backup(str(options["backup"]), wanted=wanted)


def restore_request(options: Options) -> RestoreRequest:
    """Return the restore request. Raises `RestoreRefused` for conflicting options, `RequestRefused` for a bad path."""
    leave_out, tables = _values(options, "leave_out"), _values(options, "table")
    paths = {path_of(text) for text in _values(options, "path")}
    if options["to_folder"] and (options["only"] or leave_out or options["to_database"]):
        raise RestoreRefused("--to-folder restores the whole backup, or each --path. Remove the other options.")
    if paths and not options["to_folder"]:
        raise RestoreRefused(
            "--path needs --to-folder: single files and folders cannot be restored to the live system."
        )
    if tables and not options["to_database"]:
        raise RestoreRefused("--table needs --to-database: single tables cannot be restored to the live system.")
    if b"" in paths:
        raise RestoreRefused("This --path is the whole backup. Remove the option.")
    if both := sorted(tables & leave_out):
        raise RestoreRefused(f"--table and --leave-out both name the table {both[0]}. Remove one of the two options.")
    asked = options["drop_access"]
    if asked is not None and (options["to_folder"] or options["to_database"] or options["only"] == "files"):
        raise RestoreRefused("--drop-access and --keep-access apply only to the live database. Remove them.")
    folder, database = str(options["to_folder"] or ""), str(options["to_database"] or "")
    return RestoreRequest(
        target="folder" if folder else "database" if database else "live",
        name=folder or database,
        only=str(options["only"] or ""),
        leave_out=leave_out,
        paths=frozenset(map(text_of, paths)),
        tables=tables,
        safety_backup=not options["no_safety_backup"],
        drop_access=None if asked is None else bool(asked),
    )


def _values(options: Options, name: str) -> frozenset[str]:
    values = options[name]
    assert isinstance(values, list)  # noqa: S101  the option appends
    return frozenset(map(str, values))
