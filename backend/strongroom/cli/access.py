"""Opening a repository as the options say, and asking people for what only they know."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from strongroom.backends import LocalBackend
from strongroom.cli.output import complain
from strongroom.errors import Damaged, NoRepository, PassphraseError, StrongroomError
from strongroom.passphrase import FILE, Passphrase, passphrase_source, read_passphrase
from strongroom.repository import Index, Repository
from strongroom.repository.packs import salvage_index

REPOSITORY = "STRONGROOM_REPOSITORY"


def backend(options: argparse.Namespace) -> LocalBackend:
    """The storage named by --repo or the environment."""
    place = options.repo or os.environ.get(REPOSITORY)
    if not place:
        raise NoRepository(f"Which repository? Give --repo FOLDER or set {REPOSITORY}.")
    return LocalBackend(place)


def passphrase(options: argparse.Namespace, *, confirm: bool = False) -> str:
    """The given passphrase, or none at all where the options say so."""
    return "" if options.insecure_no_password else given_passphrase(options, confirm=confirm).reveal()


def given_passphrase(options: argparse.Namespace, *, confirm: bool = False) -> Passphrase:
    """From --password-file, the environment, or the terminal, asked for twice where `confirm` says so."""
    if options.password_file:
        return read_passphrase({FILE: options.password_file})
    if passphrase_source() is None and sys.stdin.isatty():
        return Passphrase(ask_passphrase("Passphrase: ", confirm=confirm), "the terminal")
    return read_passphrase()


def ask_passphrase(prompt: str, *, confirm: bool) -> str:
    """Typed on the terminal, unseen."""
    first = getpass.getpass(prompt)
    if confirm and getpass.getpass("Once more: ") != first:
        raise PassphraseError("The two were not the same. Nothing was changed.")
    if not first:
        raise PassphraseError("An empty passphrase protects nothing. Use --insecure-no-password if you mean it.")
    return first


def open_repository(options: argparse.Namespace) -> Repository:
    """The opened repository; with --salvage also one whose config is gone."""
    place = backend(options)
    try:
        return Repository.open(place, passphrase(options))
    except (NoRepository, Damaged) as error:
        if not getattr(options, "salvage", False) or not Path(place.root).is_dir():
            raise
        complain(f"warning: {error} Reading on without the config.")
        return Repository.open_without_config(place, passphrase(options))


@contextlib.contextmanager
def reading(options: argparse.Namespace) -> Iterator[tuple[Repository, Index]]:
    """A repository under a shared lock, with its index; with --salvage without a lock and with what index there is."""
    repository = open_repository(options)
    with contextlib.nullcontext() if options.salvage or options.no_lock else read_lock(repository):
        index = salvage_index(repository) if options.salvage else repository.load_index()
        for fault in index.faults:
            complain(f"warning: {fault}")
        yield repository, index


@contextlib.contextmanager
def read_lock(repository: Repository) -> Iterator[None]:
    """A shared lock; on a storage that cannot be written, a warning instead."""
    with repository.lock(optional=True) as lock:
        if lock.obstacle:
            complain(f"warning: {lock.obstacle} Reading on without a lock; do not prune meanwhile.")
        yield


def read_new_passphrase(options: argparse.Namespace) -> str:
    """The passphrase to add: from --new-password-file or the terminal."""
    if options.new_password_file:
        return read_passphrase({FILE: options.new_password_file}).reveal()
    if not sys.stdin.isatty():
        raise StrongroomError("The new passphrase is missing. Give --new-password-file FILE.")
    return ask_passphrase("New passphrase: ", confirm=True)
