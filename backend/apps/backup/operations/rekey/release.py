"""The release of a change of keys: remove the old keys, and delete the old repositories."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from pathlib import Path

from django.utils import timezone

from strongroom.backends import open_backend
from strongroom.errors import KeyNotFound
from strongroom.packages import opens_with
from strongroom.passphrase import Passphrase
from strongroom.repository import Repository

from ... import selectors
from ...errors import RekeyFailed
from ...models import KeyChange
from ...selectors.repositories import key_changes_open
from ...services.key_changes import key_change_forget_replaced, key_change_settle
from ...storage.locations import resolve_place
from ...storage.packages import is_stored_package
from .new_repository import REPLACED, complete_exchanges


@dataclasses.dataclass(slots=True)
class ReleaseResult:
    """The keys and repositories that a release deletes, in words."""

    keys: list[str] = dataclasses.field(default_factory=list)
    repositories: list[str] = dataclasses.field(default_factory=list)


def plan_release_keys() -> ReleaseResult:
    """Return the keys and repositories that a release would delete."""
    planned = ReleaseResult()
    for change in key_changes_open():
        _note(change, planned)
    return planned


def release_keys(passphrase: Passphrase) -> ReleaseResult:
    """Remove the old keys, and delete the old repositories. Raises `RekeyFailed` while the old passphrase is in use.

    If it is interrupted, the next call completes it.
    """
    complete_exchanges()
    changes = key_changes_open()
    done = ReleaseResult()
    for change in changes:
        # Check all of them before deleting anything.
        _require_new(change, passphrase)
        if change.old_key:
            _require_packages(change, passphrase)
    for change in changes:
        _note(change, done)
        if change.replaced:
            kept = _replaced(change)
            if kept.exists():
                shutil.rmtree(kept)
            key_change_forget_replaced(change)
        remove_old_key(change, passphrase)
    return done


def remove_old_key(change: KeyChange, new: Passphrase) -> None:
    """Remove the key file of the old passphrase from the repository that is in use."""
    if change.old_key:
        repository = _open(change, new)
        with repository.lock(), contextlib.suppress(KeyNotFound):  # an interrupted run removed it
            repository.remove_key(change.old_key)
    key_change_settle(change, now=timezone.now())


def _require_new(change: KeyChange, passphrase: Passphrase) -> None:
    repository = _open(change, passphrase)
    if repository.id != change.repository_id:
        raise RekeyFailed(
            f"The repository in {repository.location} is not the one whose key was changed; nothing was deleted. Run"
            " `manage.py backup_rekey` with the same options again, which completes the interrupted change."
        )
    in_use = next(key.name for key in repository.list_keys() if key.in_use)
    if change.old_key and in_use == change.old_key:
        raise RekeyFailed(
            f"{passphrase.source} still gives the old passphrase; nothing was deleted. Set the new one first."
        )


def _require_packages(change: KeyChange, passphrase: Passphrase) -> None:
    """Raise `RekeyFailed` if a process has sealed a package with the old passphrase after the change."""
    for path in map(Path, selectors.packages_sealed(since=change.changed_at)):
        if is_stored_package(path) and path.exists() and not opens_with(path, passphrase):
            raise RekeyFailed(
                f"The package {path} was made after the change with the old passphrase; nothing was deleted. Give the"
                " old one to one more `backup_rekey --new-password-file`, which encrypts it again; then release."
            )


def _open(change: KeyChange, passphrase: Passphrase) -> Repository:
    return Repository.open(open_backend(resolve_place(change.storage_path, encrypted=True).path), passphrase.reveal())


def _replaced(change: KeyChange) -> Path:
    if not change.replaced.startswith(REPLACED) or "/" in change.replaced:
        raise RekeyFailed(f"{change.replaced!r} is no name of an old repository; nothing was deleted.")
    return resolve_place(change.storage_path, encrypted=True).storage / change.replaced


def _note(change: KeyChange, released: ReleaseResult) -> None:
    place = resolve_place(change.storage_path, encrypted=True)
    if change.old_key:
        released.keys.append(f"{change.old_key[:8]} of {place.path}")
    if change.replaced:
        released.repositories.append(str(place.storage / change.replaced))
