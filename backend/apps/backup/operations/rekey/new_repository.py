"""The replacement of a repository by a new one with the same content, under a new master key.

1. The new repository is made beside the old one, with a mark in it, and everything is copied while backups go on.
2. The whole copy is read and verified.
3. Under the exclusive lock of the old one, snapshots made meanwhile are copied and verified; the change is entered in
   the catalogue, the mark is removed, and the two are exchanged in one step of the file system.
4. The catalogue's rows follow, and the old repository is kept beside it under another name until it is released.

After a kill the next run goes on at the step where it was: the mark distinguishes a copy from the old repository.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from django.utils import timezone

from strongroom.backends import open_backend
from strongroom.backends.base import FileHandle
from strongroom.checker import CheckProgress, Severity, check, verify_snapshot
from strongroom.copier import copied_snapshots, copy_repository
from strongroom.errors import FileMissing, WrongPassphrase
from strongroom.ids import FileKind, StorageId
from strongroom.passphrase import Passphrase
from strongroom.prune import PruneProgress
from strongroom.repository import Repository
from strongroom.repository.keys import find_key

from ...backups.presence import forget_presence
from ...core.exchange import exchange_names
from ...core.progress import Tracker
from ...errors import RekeyFailed
from ...models import KeyChange
from ...selectors.repositories import key_changes_open
from ...services.key_changes import key_change_enter, snapshots_repoint
from ...services.repositories import repository_enter
from ...storage.locations import RepositoryPlace, resolve_place
from ...storage.private_files import hold_lock_file
from ...storage.repository_locks import lock_patiently
from .open_either import open_with_either

UNFINISHED: Final = ".repository.rekey"
REPLACED: Final = "repository-replaced-"
_MARK: Final = "unfinished-copy"
_LOCK_PATIENCE: Final = 600.0


@dataclasses.dataclass(slots=True)
class Exchange:
    """The replacement of one repository; both passphrases open the new one."""

    place: RepositoryPlace
    old: Passphrase
    new: Passphrase
    others: Sequence[Passphrase]
    """Further passphrases that open the new repository, too."""
    tracker: Tracker
    tick: Callable[[], None]

    def run(self) -> KeyChange:
        """Do the steps that are left. Raises `RekeyFailed`, and other errors after which the old one stays in use."""
        with hold_lock_file(self.place.storage / f"{UNFINISHED}.lock"):
            change = self._begun_change()
            if change is not None and self._finish(change):
                return change
            source = open_with_either(self.place.path, self.old, self.new)
            target = self._target()
            self.tracker.begin("copying")
            with lock_patiently(source, seconds=_LOCK_PATIENCE, waiting=self.tick):
                copy_repository(source, target, progress=self._progress)
            self._verify_copy(target)
            with lock_patiently(source, exclusive=True, seconds=_LOCK_PATIENCE, waiting=self.tick):
                self._catch_up(source, target)
                self._add_others(target)
                change = self._enter(target)
                self._mark.unlink(missing_ok=True)
                self._exchange(change)
            self._finish(change)
            return change

    @property
    def _unfinished(self) -> Path:
        return self.place.storage / UNFINISHED

    @property
    def _mark(self) -> Path:
        return self._unfinished / _MARK

    def _begun_change(self) -> KeyChange | None:
        """Return the exchange that was begun here, if there is one."""
        found = [one for one in key_changes_open() if one.replaced]
        return next((one for one in found if self.place.holds(one.storage_path, encrypted=True)), None)

    def _target(self) -> Repository:
        """Return the copy: one that was begun, or a new one."""
        if self._unfinished.exists() and not self._mark.exists():
            # Without a mark it is a complete copy before its exchange, or the old repository after it.
            change = self._begun_change()
            if change is None or self._identity() != change.repository_id:
                raise RekeyFailed(
                    f"The folder {str(self._unfinished)!r} is no copy that was begun here. Move it away if it is not"
                    " needed, and run this again."
                )
        with contextlib.suppress(WrongPassphrase):
            if (self._unfinished / "config").exists():
                return Repository.open(open_backend(self._unfinished), self.new.reveal())
        if self._unfinished.exists():
            shutil.rmtree(self._unfinished)
        self._unfinished.mkdir(mode=0o700)
        self._mark.touch(mode=0o600)
        return Repository.init(open_backend(self._unfinished), self.new.reveal())

    def _identity(self) -> str:
        with contextlib.suppress(WrongPassphrase):
            return Repository.open(open_backend(self._unfinished), self.new.reveal()).id
        return ""

    def _verify_copy(self, target: Repository) -> None:
        self.tracker.begin("reading the copy back")
        report = check(target, read_data=True, progress=self._report_check)
        faults = [str(one) for one in report.findings if one.severity is not Severity.NOTE]
        if faults:
            shutil.rmtree(self._unfinished)
            raise RekeyFailed(
                f"The verification of the copy of {self.place.path} failed, and the copy is removed: {faults[0]} The"
                " old repository is in use as before."
            )

    def _catch_up(self, source: Repository, target: Repository) -> None:
        """Copy and verify the snapshots that were added since, and remove those that were removed."""
        for name in copy_repository(source, target, progress=self._progress):
            report = verify_snapshot(target, target.load_snapshot(name), progress=self._report_check)
            faults = [str(one) for one in report.findings if one.severity is not Severity.NOTE]
            if faults:
                raise RekeyFailed(
                    f"The verification of the copy of {self.place.path} failed: {faults[0]} Run this again."
                )
        present = {stored.name for stored in source.backend.list_files(FileKind.SNAPSHOT)}
        for original, copy in copied_snapshots(target).items():
            if original not in present:
                target.backend.remove(FileHandle(FileKind.SNAPSHOT, copy))

    def _add_others(self, target: Repository) -> None:
        for passphrase in self.others:
            try:
                find_key(target.backend, passphrase.reveal())
            except WrongPassphrase:
                target.add_key(passphrase.reveal())

    def _enter(self, target: Repository) -> KeyChange:
        new_key = find_key(target.backend, self.new.reveal()).name
        old_key: StorageId | str = ""
        if self.old.reveal() != self.new.reveal():
            # Processes that have the old passphrase can work until they have the new one.
            try:
                old_key = find_key(target.backend, self.old.reveal()).name
            except WrongPassphrase:
                old_key = target.add_key(self.old.reveal())
        now = timezone.now()
        return key_change_enter(
            self.place.storage_path,
            target.id,
            old_key=old_key,
            new_key=new_key,
            replaced=f"{REPLACED}{now:%Y%m%dT%H%M%S}-{target.id[:8]}",
            now=now,
        )

    def _exchange(self, change: KeyChange) -> None:
        kept = self.place.storage / change.replaced
        try:
            exchange_names(self._unfinished, self.place.path)
        except OSError:
            # The file system cannot exchange names. Between the two renames the catalogue's entry says what lies where.
            self.place.path.rename(kept)
            self._unfinished.rename(self.place.path)

    def _finish(self, change: KeyChange) -> bool:
        """Rename the old repository, and change the catalogue's rows. Return False if the two are not exchanged yet."""
        kept = self.place.storage / change.replaced
        repository = open_with_either(self.place.path, self.new, self.old)
        if repository.id != change.repository_id:
            return False
        if self._unfinished.exists() and not self._mark.exists():
            self._unfinished.rename(kept)
        _remove_locks(kept)
        now = timezone.now()
        row = repository_enter(repository, self.place, now=now)
        snapshots_repoint(copied_snapshots(repository), row, replaced=change.replaced, now=now)
        forget_presence()
        return True

    def _progress(self, at: PruneProgress) -> None:
        if self.tracker.now().phase != at.doing:
            self.tracker.begin(at.doing, total_bytes=at.bytes_total)
        self.tracker.reached(bytes_done=at.bytes_done, files=at.done, total_bytes=at.bytes_total)
        self.tick()

    def _report_check(self, at: CheckProgress) -> None:
        self.tracker.reached(bytes_done=at.bytes_done, total_bytes=at.bytes_total)
        self.tick()


def exchanges_cut_off() -> list[tuple[RepositoryPlace, KeyChange]]:
    """Return the repositories whose exchange was killed between its two renames: nothing lies in their place."""
    found = []
    for change in key_changes_open():
        if change.replaced:
            place = resolve_place(change.storage_path, encrypted=True)
            if not place.path.exists() and (place.storage / UNFINISHED).exists():
                found.append((place, change))
    return found


def complete_exchanges() -> None:
    """Complete the interrupted renames of exchanges; the next run of the change does the other steps."""
    for place, change in exchanges_cut_off():
        with hold_lock_file(place.storage / f"{UNFINISHED}.lock"):
            unfinished = place.storage / UNFINISHED
            if not place.path.exists() and (place.storage / change.replaced).exists() and unfinished.exists():
                unfinished.rename(place.path)
                forget_presence()


def _remove_locks(kept: Path) -> None:
    """Remove our own lock, which was moved with the old repository."""
    backend = open_backend(kept)
    for stored in list(backend.list_files(FileKind.LOCK)):
        with contextlib.suppress(FileMissing):
            backend.remove(FileHandle(FileKind.LOCK, stored.name))
