"""What can be typed: the subcommands and their options."""

from __future__ import annotations

import argparse
import functools
import math
from typing import TypeAlias

from strongroom import __version__
from strongroom.cli import commands, forget_prune, packages, repair
from strongroom.cli.access import REPOSITORY
from strongroom.cli.completion import SHELLS, completes_files, completes_folders, completion

_EPILOG = f"""environment:
  {REPOSITORY}        the repository, where --repo is not given
  BACKUP_PASSWORD_COMMAND, BACKUP_PASSWORD_FILE, BACKUP_PASSWORD
                               where the passphrase comes from; asked for on a terminal if none is set

exit codes: 0 done, 1 failed or damage found, 2 wrong usage, 3 some files could not be read,
            10 no repository, 11 locked, 12 wrong passphrase, 130 interrupted
"""
_SNAPSHOT = "an id, the beginning of one, or latest"

_Parser: TypeAlias = argparse.ArgumentParser
_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command `strongroom`; `run` of what it gives takes the options and gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="strongroom",
        description="Backup repositories in the restic format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"strongroom {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    common, reads = _common_options(), _reading_options()
    _add_writing(verbs, common)
    _add_reading(verbs, common, reads)
    _add_removal(verbs, common)
    _add_repair(verbs, common)
    _add_keys(verbs, common)
    _add_packages(verbs)
    verb = verbs.add_parser("completion", help="print the script that lets a shell complete this command")
    verb.add_argument("shell", choices=SHELLS)
    verb.set_defaults(run=functools.partial(completion, parser))
    return parser


def _common_options() -> _Parser:
    common = argparse.ArgumentParser(add_help=False, parents=[_answering_options()])
    completes_folders(common.add_argument("-r", "--repo", metavar="FOLDER", help="the repository"))
    common.add_argument("--insecure-no-password", action="store_true", help="the passphrase is empty")
    return common


def _answering_options() -> _Parser:
    answering = argparse.ArgumentParser(add_help=False)
    completes_files(answering.add_argument("--password-file", metavar="FILE", help="a file that holds the passphrase"))
    answering.add_argument("--json", action="store_true", help="one JSON object instead of text")
    return answering


def _reading_options() -> _Parser:
    reads = argparse.ArgumentParser(add_help=False)
    reads.add_argument("--no-lock", action="store_true", help="do not lock, as for a read-only storage")
    reads.add_argument(
        "--salvage", action="store_true", help="go on without lock, config or index files that are damaged"
    )
    return reads


def _add_writing(verbs: _Verbs, common: _Parser) -> None:
    verb = verbs.add_parser("init", parents=[common], help="make a repository")
    verb.set_defaults(run=commands.init)

    verb = verbs.add_parser("backup", parents=[common], help="archive files and folders")
    completes_files(verb.add_argument("paths", nargs="+", metavar="PATH"))
    verb.add_argument("--tag", action="append", default=[], help="a label for the snapshot; may be repeated")
    verb.add_argument("--exclude", action="append", default=[], metavar="PATH", help="leave out; may be repeated")
    verb.add_argument("--force", action="store_true", help="read every file again, whatever an earlier snapshot knows")
    verb.add_argument("--no-compression", action="store_true", help="store data as it is")
    verb.set_defaults(run=commands.backup)


def _add_reading(verbs: _Verbs, common: _Parser, reads: _Parser) -> None:
    verb = verbs.add_parser("snapshots", parents=[common, reads], help="list restore points")
    verb.set_defaults(run=commands.snapshots)

    verb = verbs.add_parser("ls", parents=[common, reads], help="list what a snapshot holds")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("path", nargs="?", default="", metavar="FOLDER", help="a folder inside it")
    verb.add_argument("-l", "--long", action="store_true", help="with kind, mode, size and time")
    verb.set_defaults(run=commands.ls)

    verb = verbs.add_parser("restore", parents=[common, reads], help="restore into an empty folder")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help=_SNAPSHOT)
    target = verb.add_argument("-t", "--target", required=True, metavar="FOLDER", help="an empty or new folder")
    completes_folders(target)
    verb.add_argument("--path", default="", metavar="FOLDER", help="only this folder of the snapshot")
    verb.set_defaults(run=commands.restore_snapshot)

    verb = verbs.add_parser("check", parents=[common, reads], help="find and name damage")
    verb.add_argument("--read-data", action="store_true", help="read every byte back")
    verb.set_defaults(run=commands.check_repository)


def _add_removal(verbs: _Verbs, common: _Parser) -> None:
    thorough = argparse.ArgumentParser(add_help=False)
    thorough.add_argument("--dry-run", action="store_true", help="show what would go and what space would come back")
    thorough.add_argument(
        "--max-unused",
        type=_not_negative,
        default=5.0,
        metavar="PERCENT",
        help="so much may stay unused in packs that are needed in part, of what is used (5)",
    )
    thorough.add_argument(
        "--grace-hours",
        type=_not_negative,
        default=24.0,
        metavar="N",
        help="leave packs alone that were stored in the last so many hours (24)",
    )
    verb = verbs.add_parser("forget", parents=[common, thorough], help="remove snapshots, named or by rules")
    verb.add_argument("snapshots", nargs="*", metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("--keep-within-days", type=_positive, metavar="N", help="older ones go")
    verb.add_argument("--keep-last", type=_positive, metavar="N", help="all but the most recent so many go")
    for period in ("daily", "weekly", "monthly", "yearly"):
        verb.add_argument(
            f"--keep-{period}",
            type=_positive,
            default=0,
            metavar="N",
            help=f"the {period} ones of the last N that have any stay nevertheless",
        )
    verb.add_argument("--tag", action="append", default=[], help="only those with this label; may be repeated")
    verb.add_argument("--prune", action="store_true", help="remove what nothing needs any more as well")
    verb.set_defaults(run=forget_prune.forget_snapshots)

    verb = verbs.add_parser("prune", parents=[common, thorough], help="remove what no snapshot needs")
    verb.set_defaults(run=forget_prune.prune)


def _add_repair(verbs: _Verbs, common: _Parser) -> None:
    planned = argparse.ArgumentParser(add_help=False)
    planned.add_argument("--dry-run", action="store_true", help="show what is wrong and what would be done")
    group = verbs.add_parser("repair", help="put a damaged repository in order")
    kinds = group.add_subparsers(required=True, metavar="COMMAND")
    verb = kinds.add_parser("index", parents=[common, planned], help="write the index anew from what the packs list")
    verb.set_defaults(run=repair.index)
    verb = kinds.add_parser("packs", parents=[common, planned], help="save what is whole in damaged packs")
    verb.add_argument("packs", nargs="*", metavar="PACK", help="the name of a pack, or the beginning of one")
    verb.add_argument("--damaged", action="store_true", help="read all packs, and take those that are damaged")
    verb.set_defaults(run=repair.packs)
    verb = kinds.add_parser(
        "snapshots", parents=[common, planned], help="write snapshots anew without the files that are lost"
    )
    verb.add_argument("--forget", action="store_true", help="remove the damaged and the unreadable ones afterwards")
    verb.set_defaults(run=repair.snapshots)


def _add_keys(verbs: _Verbs, common: _Parser) -> None:
    key = verbs.add_parser("key", help="the passphrases that open a repository")
    keys = key.add_subparsers(required=True, metavar="COMMAND")
    verb = keys.add_parser("list", parents=[common], help="list keys")
    verb.set_defaults(run=commands.key_list)
    verb = keys.add_parser("add", parents=[common], help="add a passphrase")
    new = verb.add_argument("--new-password-file", metavar="FILE", help="a file that holds the new passphrase")
    completes_files(new)
    verb.set_defaults(run=commands.key_add)
    verb = keys.add_parser("remove", parents=[common], help="remove a passphrase")
    verb.add_argument("key", metavar="KEY", help="the id of its key, or the beginning of one")
    verb.set_defaults(run=commands.key_remove)


def _add_packages(verbs: _Verbs) -> None:
    file = argparse.ArgumentParser(add_help=False, parents=[_answering_options()])
    completes_files(file.add_argument("file", metavar="FILE", help="a .tar.gz.gpg or .tar.gz"))
    package = verbs.add_parser("package", help="backups that are one portable file")
    kinds = package.add_subparsers(required=True, metavar="COMMAND")
    verb = kinds.add_parser("list", parents=[file], help="list what a package holds, and check it")
    verb.add_argument("-l", "--long", action="store_true", help="with mode, owner and time")
    verb.set_defaults(run=packages.list_members)
    verb = kinds.add_parser("verify", parents=[file], help="read every byte and compare it with the package's lists")
    verb.set_defaults(run=packages.verify)
    verb = kinds.add_parser("unpack", parents=[file], help="check everything, then unpack into an empty folder")
    target = verb.add_argument("-t", "--target", required=True, metavar="FOLDER", help="an empty or new folder")
    completes_folders(target)
    verb.add_argument("--path", default="", metavar="PATH", help="only this folder or file of the package")
    verb.set_defaults(run=packages.unpack_members)


def _positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return number


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return number
