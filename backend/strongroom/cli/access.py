"""Open a repository by the command's options, and ask for passphrases."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from strongroom.backends import Backend, open_backend
from strongroom.cli.output import print_error
from strongroom.errors import Damaged, NoRepository, PassphraseError, StrongroomError
from strongroom.passphrase import FILE, Passphrase, passphrase_source, read_passphrase
from strongroom.repository import Index, Repository
from strongroom.repository.packs import salvage_index

REPOSITORY = "STRONGROOM_REPOSITORY"


def backend(options: argparse.Namespace) -> Backend:
    """Return the storage named by --repo or the environment."""
    place = options.repo or os.environ.get(REPOSITORY)
    if not place:
        raise NoRepository(f"No repository is given. Use --repo FOLDER, or set {REPOSITORY}.")
    return open_backend(place)


def passphrase(options: argparse.Namespace, *, confirm: bool = False) -> str:
    """Return the given passphrase, or an empty one with --insecure-no-password."""
    return "" if options.insecure_no_password else given_passphrase(options, confirm=confirm).reveal()


def given_passphrase(options: argparse.Namespace, *, confirm: bool = False) -> Passphrase:
    """Read the passphrase from --password-file, the environment, or the terminal (twice with `confirm`)."""
    if options.password_file:
        return read_passphrase({FILE: options.password_file})
    if passphrase_source() is None and sys.stdin.isatty():
        return Passphrase(ask_passphrase("Passphrase: ", confirm=confirm), "the terminal")
    return read_passphrase()


def ask_passphrase(prompt: str, *, confirm: bool) -> str:
    """Ask for a passphrase on the terminal, without showing it."""
    first = getpass.getpass(prompt)
    if confirm and getpass.getpass("Repeat passphrase: ") != first:
        raise PassphraseError("The two passphrases differ. Nothing was changed. Run the command again.")
    if not first:
        raise PassphraseError(
            "The passphrase is empty. Use --insecure-no-password for a repository without a passphrase."
        )
    return first


def open_repository(options: argparse.Namespace) -> Repository:
    """Open the repository; with --salvage, also without its config."""
    place = backend(options)
    try:
        return Repository.open(place, passphrase(options))
    except (NoRepository, Damaged) as error:
        if not getattr(options, "salvage", False) or not Path(place.location).is_dir():
            raise
        print_error(f"warning: {error} Continuing without the config.")
        return Repository.open_without_config(place, passphrase(options))


@contextlib.contextmanager
def reading(options: argparse.Namespace) -> Iterator[tuple[Repository, Index]]:
    """Give a repository under a shared lock, with its index; with --salvage, without lock and with a partial index."""
    repository = open_repository(options)
    with contextlib.nullcontext() if options.salvage or options.no_lock else read_lock(repository):
        index = salvage_index(repository) if options.salvage else repository.load_index()
        for fault in index.faults:
            print_error(f"warning: {fault}")
        yield repository, index


@contextlib.contextmanager
def read_lock(repository: Repository) -> Iterator[None]:
    """Hold a shared lock. If the storage cannot be written, print a warning instead."""
    with repository.lock(optional=True) as lock:
        if lock.obstacle:
            print_error(f"warning: {lock.obstacle} Continuing without a lock: do not prune meanwhile.")
        yield


def read_new_passphrase(options: argparse.Namespace) -> str:
    """Read the passphrase to add from --new-password-file or the terminal."""
    if options.new_password_file:
        return read_passphrase({FILE: options.new_password_file}).reveal()
    if not sys.stdin.isatty():
        raise StrongroomError("No new passphrase is given. Use --new-password-file FILE.")
    return ask_passphrase("New passphrase: ", confirm=True)
