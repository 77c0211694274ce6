"""The command line: subcommands and options."""

from __future__ import annotations

import argparse
import functools
import math
from datetime import datetime
from typing import TypeAlias

from strongroom import __version__
from strongroom.cli import commands, contents, copying, dumping, forget_prune, packages, repair
from strongroom.cli.access import REPOSITORY
from strongroom.cli.completion import SHELLS, completes_files, completes_folders, completion
from strongroom.cli.examples import EXAMPLES
from strongroom.statistics import Mode

_EPILOG = f"""environment:
  {REPOSITORY}        the repository, if --repo is not given
  BACKUP_PASSWORD_COMMAND, BACKUP_PASSWORD_FILE, BACKUP_PASSWORD
                               the source of the passphrase; if none is set, a terminal asks for it

exit codes: 0 success, 1 failed or damage found, 2 wrong usage, 3 some files could not be read,
            10 no repository, 11 locked, 12 wrong passphrase, 130 interrupted,
            141 the reader of the output has gone, such as head
"""
_SNAPSHOT = "the id of a snapshot, the beginning of its id, or latest"

_Parser: TypeAlias = argparse.ArgumentParser
_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command `strongroom`. Its result has `run`, a function from options to exit code."""
    parser = argparse.ArgumentParser(
        prog="strongroom",
        description="Back up, restore, check and repair repositories in the restic format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"strongroom {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    common, reads = _common_options(), _reading_options()
    _add_writing(verbs, common)
    _add_reading(verbs, common, reads)
    _add_searching(verbs, common, reads)
    _add_removal(verbs, common)
    _add_repair(verbs, common)
    _add_keys(verbs, common)
    _add_packages(verbs)
    verb = verbs.add_parser("completion", help="print a completion script for a shell")
    verb.add_argument("shell", choices=SHELLS)
    verb.set_defaults(run=functools.partial(completion, parser))
    _add_examples(parser)
    return parser


def _add_examples(parser: _Parser) -> None:
    """End the help of each command with its examples."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for verb in action.choices.values():
            _add_examples(verb)
    if not below:
        lines = [f"  {parser.prog} {example}" for example in EXAMPLES[parser.prog.partition(" ")[2]]]
        parser.epilog = "\n".join(["examples:", *lines])
        parser.formatter_class = argparse.RawDescriptionHelpFormatter


def _common_options() -> _Parser:
    common = argparse.ArgumentParser(add_help=False, parents=[_answering_options()])
    completes_folders(common.add_argument("-r", "--repo", metavar="FOLDER", help="the folder of the repository"))
    common.add_argument("--insecure-no-password", action="store_true", help="use an empty passphrase")
    return common


def _answering_options() -> _Parser:
    answering = argparse.ArgumentParser(add_help=False)
    completes_files(
        answering.add_argument("--password-file", metavar="FILE", help="read the passphrase from this file")
    )
    answering.add_argument("--json", action="store_true", help="print JSON instead of text")
    answering.add_argument("--utc", action="store_true", help="show times in UTC instead of the local time zone")
    answering.add_argument("--no-header", action="store_true", help="print tables without their line of titles")
    return answering


def _reading_options() -> _Parser:
    reads = argparse.ArgumentParser(add_help=False)
    reads.add_argument("--no-lock", action="store_true", help="do not lock the repository, for a read-only storage")
    reads.add_argument(
        "--salvage",
        action="store_true",
        help="read a damaged repository: ignore locks, a lost config, damaged index files",
    )
    return reads


def _add_writing(verbs: _Verbs, common: _Parser) -> None:
    verb = verbs.add_parser("init", parents=[common], help="create a repository")
    verb.set_defaults(run=commands.init)

    verb = verbs.add_parser("backup", parents=[common], help="back up files and folders")
    completes_files(verb.add_argument("paths", nargs="+", metavar="PATH", help="a file or folder"))
    verb.add_argument("--tag", action="append", default=[], help="add a tag to the snapshot; may be repeated")
    verb.add_argument(
        "--exclude", action="append", default=[], metavar="PATH", help="leave out a path; may be repeated"
    )
    verb.add_argument("--force", action="store_true", help="read all files again, even unchanged ones")
    verb.add_argument("--no-compression", action="store_true", help="store data without compression")
    verb.set_defaults(run=commands.backup)


def _add_reading(verbs: _Verbs, common: _Parser, reads: _Parser) -> None:
    verb = verbs.add_parser("snapshots", parents=[common, reads], help="list all snapshots")
    verb.set_defaults(run=commands.snapshots)

    verb = verbs.add_parser("ls", parents=[common, reads], help="list the files of a snapshot")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("path", nargs="?", default="", metavar="FOLDER", help="list only this folder of the snapshot")
    verb.add_argument("-l", "--long", action="store_true", help="show kind, mode, size and time, too")
    verb.set_defaults(run=commands.ls)

    verb = verbs.add_parser("restore", parents=[common, reads], help="restore a snapshot into an empty folder")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help=_SNAPSHOT)
    target = verb.add_argument("-t", "--target", required=True, metavar="FOLDER", help="an empty or new folder")
    completes_folders(target)
    verb.add_argument("--path", default="", metavar="FOLDER", help="restore only this folder of the snapshot")
    verb.set_defaults(run=commands.restore_snapshot)

    verb = verbs.add_parser("check", parents=[common, reads], help="find damage in the repository")
    verb.add_argument("--read-data", action="store_true", help="read all data and verify every byte")
    verb.set_defaults(run=commands.check_repository)


def _add_searching(verbs: _Verbs, common: _Parser, reads: _Parser) -> None:
    verb = verbs.add_parser("stats", parents=[common, reads], help="show how much data snapshots hold")
    verb.add_argument("snapshots", nargs="*", metavar="SNAPSHOT", help=f"{_SNAPSHOT}; without any, all snapshots")
    verb.add_argument(
        "--mode", choices=[mode.value for mode in Mode], default=Mode.RESTORE_SIZE.value, help="what is measured"
    )
    verb.set_defaults(run=contents.stats)

    verb = verbs.add_parser("diff", parents=[common, reads], help="compare two snapshots")
    verb.add_argument("snapshots", nargs=2, metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("--metadata", action="store_true", help="also show entries whose metadata alone differs, as U")
    verb.set_defaults(run=contents.diff)

    verb = verbs.add_parser("find", parents=[common, reads], help="find files in snapshots")
    verb.add_argument("patterns", nargs="*", metavar="PATTERN", help="a name or path; *, ?, [a-z] and ** are wildcards")
    verb.add_argument(
        "--snapshot", action="append", default=[], metavar="SNAPSHOT", help="search only this one; may be repeated"
    )
    verb.add_argument("--oldest", type=_time, metavar="TIME", help="only files changed at this time or later")
    verb.add_argument("--newest", type=_time, metavar="TIME", help="only files changed at this time or earlier")
    verb.add_argument("-i", "--ignore-case", action="store_true", help="ignore the case of letters")
    verb.add_argument("-l", "--long", action="store_true", help="show kind, mode, size and time, too")
    for kind, meaning in (("blob", "files that need this data blob"), ("tree", "folders with this tree blob")):
        verb.add_argument(f"--{kind}", action="append", default=[], metavar="ID", help=f"find {meaning}")
    verb.add_argument("--pack", action="append", default=[], metavar="ID", help="find what needs blobs of this pack")
    verb.set_defaults(run=contents.find_files)

    verb = verbs.add_parser("dump", parents=[common, reads], help="write a file, or a folder as an archive, to stdout")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("path", metavar="PATH", help="a file or folder of the snapshot; / for everything")
    verb.add_argument("--archive", choices=["tar", "zip"], default="tar", help="the form of a folder (default: tar)")
    completes_files(verb.add_argument("-t", "--target", default="", metavar="FILE", help="write into this new file"))
    verb.set_defaults(run=dumping.dump)

    verb = verbs.add_parser("mount", parents=[common, reads], help="serve the snapshots as read-only WebDAV folders")
    verb.add_argument("--port", type=int, default=0, metavar="N", help="the port on 127.0.0.1 (default: a free one)")
    verb.set_defaults(run=contents.mount)

    verb = verbs.add_parser("copy", parents=[common], help="copy the snapshots of another repository into this one")
    source = verb.add_argument("--from-repo", required=True, metavar="FOLDER", help="the repository to copy from")
    completes_folders(source)
    file = verb.add_argument("--from-password-file", metavar="FILE", help="read the passphrase of the source from it")
    completes_files(file)
    verb.add_argument("--from-insecure-no-password", action="store_true", help="the source has an empty passphrase")
    verb.set_defaults(run=copying.copy)


def _add_removal(verbs: _Verbs, common: _Parser) -> None:
    thorough = argparse.ArgumentParser(add_help=False)
    thorough.add_argument(
        "--dry-run", action="store_true", help="only show what would be removed and how much space would be freed"
    )
    thorough.add_argument(
        "--max-unused",
        type=_not_negative,
        default=5.0,
        metavar="PERCENT",
        help="the limit of unused space in partly used packs, in percent of the used space (default: 5)",
    )
    thorough.add_argument(
        "--grace-hours",
        type=_not_negative,
        default=24.0,
        metavar="N",
        help="do not change packs of the last N hours (default: 24)",
    )
    verb = verbs.add_parser("forget", parents=[common, thorough], help="remove snapshots by id or by retention rules")
    verb.add_argument("snapshots", nargs="*", metavar="SNAPSHOT", help=_SNAPSHOT)
    verb.add_argument("--keep-within-days", type=_positive, metavar="N", help="remove snapshots older than N days")
    verb.add_argument("--keep-last", type=_positive, metavar="N", help="remove all but the N most recent snapshots")
    for period, period_name in (("daily", "days"), ("weekly", "weeks"), ("monthly", "months"), ("yearly", "years")):
        verb.add_argument(
            f"--keep-{period}",
            type=_positive,
            default=0,
            metavar="N",
            help=f"keep the newest snapshot of each of the last N {period_name} that have one",
        )
    verb.add_argument("--tag", action="append", default=[], help="only snapshots with this tag; may be repeated")
    verb.add_argument("--prune", action="store_true", help="free the space of removed snapshots, too")
    verb.set_defaults(run=forget_prune.forget_snapshots)

    verb = verbs.add_parser("prune", parents=[common, thorough], help="free the space that no snapshot needs")
    verb.set_defaults(run=forget_prune.prune)


def _add_repair(verbs: _Verbs, common: _Parser) -> None:
    planned = argparse.ArgumentParser(add_help=False)
    planned.add_argument("--dry-run", action="store_true", help="only show the damage and the planned repair")
    group = verbs.add_parser("repair", help="repair a damaged repository")
    kinds = group.add_subparsers(required=True, metavar="COMMAND")
    verb = kinds.add_parser("index", parents=[common, planned], help="rebuild the index from the headers of the packs")
    verb.set_defaults(run=repair.index)
    verb = kinds.add_parser("packs", parents=[common, planned], help="save the intact blobs of damaged packs")
    verb.add_argument("packs", nargs="*", metavar="PACK", help="the name of a pack, or its beginning")
    verb.add_argument("--damaged", action="store_true", help="read all packs and repair the damaged ones")
    verb.set_defaults(run=repair.packs)
    verb = kinds.add_parser(
        "snapshots", parents=[common, planned], help="store damaged snapshots again without the lost files"
    )
    verb.add_argument("--forget", action="store_true", help="remove the damaged and unreadable snapshots afterwards")
    verb.set_defaults(run=repair.snapshots)


def _add_keys(verbs: _Verbs, common: _Parser) -> None:
    key = verbs.add_parser("key", help="list, add and remove passphrases")
    keys = key.add_subparsers(required=True, metavar="COMMAND")
    verb = keys.add_parser("list", parents=[common], help="list the keys, one for each passphrase")
    verb.set_defaults(run=commands.key_list)
    verb = keys.add_parser("add", parents=[common], help="add a passphrase")
    new = verb.add_argument("--new-password-file", metavar="FILE", help="read the new passphrase from this file")
    completes_files(new)
    verb.set_defaults(run=commands.key_add)
    verb = keys.add_parser("remove", parents=[common], help="remove a passphrase")
    verb.add_argument("key", metavar="KEY", help="the id of its key, or its beginning")
    verb.set_defaults(run=commands.key_remove)


def _add_packages(verbs: _Verbs) -> None:
    file = argparse.ArgumentParser(add_help=False, parents=[_answering_options()])
    completes_files(file.add_argument("file", metavar="FILE", help="a .tar.gz or .tar.gz.gpg file"))
    package = verbs.add_parser("package", help="list, verify and unpack a backup in one portable file")
    kinds = package.add_subparsers(required=True, metavar="COMMAND")
    verb = kinds.add_parser("list", parents=[file], help="list the content of a package, and check it")
    verb.add_argument("-l", "--long", action="store_true", help="show mode, owner and time, too")
    verb.set_defaults(run=packages.list_members)
    verb = kinds.add_parser(
        "verify", parents=[file], help="read every byte and compare it with the hashes and the manifest"
    )
    verb.set_defaults(run=packages.verify)
    verb = kinds.add_parser("unpack", parents=[file], help="check a package, then unpack it into an empty folder")
    target = verb.add_argument("-t", "--target", required=True, metavar="FOLDER", help="an empty or new folder")
    completes_folders(target)
    verb.add_argument("--path", default="", metavar="PATH", help="unpack only this folder or file of the package")
    verb.set_defaults(run=packages.unpack_members)


def _time(text: str) -> datetime:
    """Return a time such as 2026-12-01 or 2026-12-01 08:30; without a zone it is local."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-12-01 or 2026-12-01 08:30") from None


def _positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return number


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return number
