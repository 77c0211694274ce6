"""The command `strongroom`: repositories by hand, with no Django anywhere."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from strongroom import __version__
from strongroom.cli import commands, exitcodes
from strongroom.cli.access import REPOSITORY
from strongroom.cli.output import complain
from strongroom.errors import StrongroomError

_EPILOG = f"""environment:
  {REPOSITORY}        the repository, where --repo is not given
  BACKUP_PASSWORD_COMMAND, BACKUP_PASSWORD_FILE, BACKUP_PASSWORD
                               where the passphrase comes from; asked for on a terminal if none is set

exit codes: 0 done, 1 failed or damage found, 2 wrong usage, 3 some files could not be read,
            10 no repository, 11 locked, 12 wrong passphrase, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except StrongroomError as error:
        complain(f"error: {error}")
        return exitcodes.of_error(error)
    except KeyboardInterrupt:
        complain("interrupted; what was stored before is untouched")
        return exitcodes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exitcodes.OK
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-r", "--repo", metavar="FOLDER", help="the repository")
    common.add_argument("--password-file", metavar="FILE", help="a file that holds the passphrase")
    common.add_argument("--insecure-no-password", action="store_true", help="the passphrase is empty")
    common.add_argument("--json", action="store_true", help="one JSON object instead of text")
    reads = argparse.ArgumentParser(add_help=False)
    reads.add_argument("--no-lock", action="store_true", help="do not lock, as for a read-only storage")
    reads.add_argument(
        "--salvage", action="store_true", help="go on without lock, config or index files that are damaged"
    )

    parser = argparse.ArgumentParser(
        prog="strongroom",
        description="Backup repositories in the restic format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"strongroom {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    verb = verbs.add_parser("init", parents=[common], help="make a repository")
    verb.set_defaults(run=commands.init)

    verb = verbs.add_parser("backup", parents=[common], help="archive files and folders")
    verb.add_argument("paths", nargs="+", metavar="PATH")
    verb.add_argument("--tag", action="append", default=[], help="a label for the snapshot; may be repeated")
    verb.add_argument("--exclude", action="append", default=[], metavar="PATH", help="leave out; may be repeated")
    verb.add_argument("--force", action="store_true", help="read every file again, whatever an earlier snapshot knows")
    verb.add_argument("--no-compression", action="store_true", help="store data as it is")
    verb.set_defaults(run=commands.backup)

    verb = verbs.add_parser("snapshots", parents=[common, reads], help="list restore points")
    verb.set_defaults(run=commands.snapshots)

    verb = verbs.add_parser("ls", parents=[common, reads], help="list what a snapshot holds")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="an id, the beginning of one, or latest")
    verb.add_argument("path", nargs="?", default="", metavar="FOLDER", help="a folder inside it")
    verb.add_argument("-l", "--long", action="store_true", help="with kind, mode, size and time")
    verb.set_defaults(run=commands.ls)

    verb = verbs.add_parser("restore", parents=[common, reads], help="restore into an empty folder")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="an id, the beginning of one, or latest")
    verb.add_argument("-t", "--target", required=True, metavar="FOLDER", help="an empty or new folder")
    verb.add_argument("--path", default="", metavar="FOLDER", help="only this folder of the snapshot")
    verb.set_defaults(run=commands.restore_snapshot)

    verb = verbs.add_parser("check", parents=[common, reads], help="find and name damage")
    verb.add_argument("--read-data", action="store_true", help="read every byte back")
    verb.set_defaults(run=commands.check_repository)

    key = verbs.add_parser("key", help="the passphrases that open a repository")
    keys = key.add_subparsers(required=True, metavar="COMMAND")
    verb = keys.add_parser("list", parents=[common], help="list keys")
    verb.set_defaults(run=commands.key_list)
    verb = keys.add_parser("add", parents=[common], help="add a passphrase")
    verb.add_argument("--new-password-file", metavar="FILE", help="a file that holds the new passphrase")
    verb.set_defaults(run=commands.key_add)
    verb = keys.add_parser("remove", parents=[common], help="remove a passphrase")
    verb.add_argument("key", metavar="KEY", help="the id of its key, or the beginning of one")
    verb.set_defaults(run=commands.key_remove)
    return parser
