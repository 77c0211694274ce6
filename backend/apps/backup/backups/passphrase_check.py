"""Check that the passphrase is the right one: it must open the repositories, or a person must have confirmed it.

A wrong passphrase makes each job fail. Worse, a package can be sealed with any text, also with the error message of a
broken program, and could then never be opened.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from strongroom.backends import open_backend
from strongroom.errors import PassphraseError, StrongroomError, WrongPassphrase
from strongroom.ids import FileKind
from strongroom.passphrase import Passphrase, passphrase_source
from strongroom.repository.keys import find_key, keys_fault

from .. import selectors
from ..errors import LedgerUnavailable, StorageAbsent, StorageRefused
from ..selectors.passphrases import passphrase_is_confirmed
from ..storage.locations import RepositoryPlace, resolve_place
from ..storage.passphrase import current_passphrase, fingerprint

_MOST_KEPT: Final = 64


def passphrase_problems() -> list[tuple[str, str]]:
    """Return the problems of the passphrase of this process, as (subject, reason); none if no passphrase is set.

    Deriving a key is slow by design, so it is done once in a process for each repository, passphrase and set of keys.
    Raises `LedgerUnavailable`.
    """
    if passphrase_source() is None:
        return []
    try:
        passphrase = current_passphrase()
    except PassphraseError as error:
        return [("passphrase", str(error))]
    # A repository that has lost its keys opens with no passphrase: that is a finding of its own.
    whole = [place for place in encrypted_places() if not keys_fault(open_backend(place.path))]
    reasons = [(place, key_obstacle(place, passphrase)) for place in whole]
    return [(f"repository {place.path}", reason) for place, reason in reasons if reason]


def passphrase_trouble() -> str:
    """Return the problems of an executor's passphrase as one text for its row.

    An executor may have another passphrase than other processes.
    """
    if passphrase_source() is None:
        wanted = any(encrypted for _, encrypted in selectors.configured_places())
        return "It has no passphrase, and configurations are encrypted." if wanted else ""
    return " ".join(reason for _, reason in passphrase_problems())


def encrypted_places() -> list[RepositoryPlace]:
    """Return the existing encrypted repositories that the catalogue knows or that a configuration writes to."""
    paths = {row.storage_path for row in selectors.repositories_known() if row.encrypted}
    paths |= {path for path, encrypted in selectors.configured_places() if encrypted}
    places = (_place(path) for path in paths)
    return sorted({place for place in places if place is not None and place.exists()})


def key_obstacle(place: RepositoryPlace, passphrase: Passphrase) -> str:
    """Return why a passphrase does not open a repository; "" if it does."""
    backend = open_backend(place.path)
    try:
        names = frozenset(stored.name for stored in backend.list_files(FileKind.KEY))
        key = (str(place.path), fingerprint(passphrase), names)
        with _guard:
            if key in _tried:
                return _tried[key]
        reason = ""
        try:
            find_key(backend, passphrase.reveal())
        except WrongPassphrase as error:
            reason = f"The passphrase from {passphrase.source} is not the right one. {error}"
    except StrongroomError as error:
        return str(error)
    with _guard:
        if len(_tried) >= _MOST_KEPT:
            _tried.clear()
        _tried[key] = reason
    return reason


def require_proven(passphrase: Passphrase, storage: Path, *, by_hand: bool) -> None:
    """Refuse to seal a package with a passphrase that is not proven.

    It must open the encrypted repository at the same storage or, if there is none, one of the others. If there is no
    encrypted repository at all, a person must have confirmed it; a person who asks for a package `by_hand` confirms it
    by that. Raises `WrongPassphrase`, `PassphraseError`, and `StorageAbsent` if the repositories are away.
    """
    own = RepositoryPlace(storage, encrypted=True)
    places = [own] if own.exists() else encrypted_places()
    obstacles = [key_obstacle(place, passphrase) for place in places]
    away = [] if own.exists() else places_away()
    if not places and away:
        raise StorageAbsent(
            f"No package is sealed with the passphrase from {passphrase.source}: nothing proves it, since the encrypted"
            f" repository in {away[0]!r} is not there. Mount the storage, and try again."
        )
    if places and all(obstacles):
        raise WrongPassphrase(
            f"No package is sealed with it: {obstacles[0]} Correct {passphrase.source}, or the package could never be"
            " opened with the passphrase of the other backups."
        )
    if not places and not by_hand and not passphrase_is_confirmed(passphrase):
        raise PassphraseError(
            f"No package is sealed with the passphrase from {passphrase.source}: there is no encrypted repository that"
            " it opens, and no person has confirmed that it is the right one. Run"
            " `manage.py backup_passphrase --confirm`."
        )


def places_away() -> list[str]:
    """Return the paths of encrypted repositories that hold backups by the catalogue, and that are not there now."""
    try:
        held = selectors.repository_holdings()
        rows = [row for row in selectors.repositories_known() if row.encrypted and row.pk in held]
    except LedgerUnavailable:
        return []
    places = [(row.storage_path, _place(row.storage_path)) for row in rows]
    return sorted({path if place is None else str(place.path) for path, place in places if not _is_there(place)})


def _is_there(place: RepositoryPlace | None) -> bool:
    return place is not None and place.exists()


def is_proven(passphrase: Passphrase) -> bool:
    """Return whether an encrypted repository opens with the passphrase, or else a person has confirmed it."""
    places = encrypted_places()
    if places:
        return any(not key_obstacle(place, passphrase) for place in places)
    return passphrase_is_confirmed(passphrase)


def _place(storage_path: str) -> RepositoryPlace | None:
    try:
        return resolve_place(storage_path, encrypted=True)
    except StorageRefused:
        return None


_tried: dict[tuple[str, bytes, frozenset[str]], str] = {}
_guard = threading.Lock()
