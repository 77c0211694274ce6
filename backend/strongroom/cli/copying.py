"""The subcommand copy: copy the snapshots of another repository into this one."""

from __future__ import annotations

import argparse
import sys

from strongroom import exit_codes
from strongroom.backends import open_backend
from strongroom.cli.access import ask_passphrase, open_repository, read_lock
from strongroom.cli.output import Display, print_json, print_line
from strongroom.copier import copy_repository
from strongroom.errors import PassphraseError
from strongroom.passphrase import FILE, read_passphrase
from strongroom.prune import PruneProgress
from strongroom.repository import Repository


def copy(options: argparse.Namespace) -> int:
    """Copy every snapshot that the repository lacks, with its data, from another repository."""
    target = open_repository(options)
    source = Repository.open(open_backend(options.from_repo), _source_passphrase(options))
    with read_lock(source), target.lock(), Display("copy", quiet=options.json, counted="blobs") as display:

        def progress(at: PruneProgress) -> None:
            display.show(at.done, at.bytes_done, at.bytes_total)

        stored = copy_repository(source, target, progress=progress)
    if options.json:
        print_json({"from": source.location, "to": target.location, "snapshots": stored})
    else:
        print_line(f"{len(stored)} snapshots copied from {source.location} to {target.location}")
    return exit_codes.OK


def _source_passphrase(options: argparse.Namespace) -> str:
    if options.from_insecure_no_password:
        return ""
    if options.from_password_file:
        return read_passphrase({FILE: options.from_password_file}).reveal()
    if not sys.stdin.isatty():
        raise PassphraseError("No passphrase of the source is given. Use --from-password-file FILE.")
    return ask_passphrase("Passphrase of the source: ", confirm=False)
