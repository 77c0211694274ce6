"""The change of a passphrase: in repositories, in packages, and in the file that all processes read."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from django.utils import timezone

from strongroom.backends import open_backend
from strongroom.errors import PackageLocked, WrongPassphrase
from strongroom.packages import measure_file, opens_with, reencrypt
from strongroom.passphrase import Passphrase
from strongroom.repository.keys import find_key

from ...backups.package_keys import new_mark
from ...core.progress import Tracker
from ...errors import RekeyFailed
from ...models import KeyChange
from ...selectors import job_of_package
from ...selectors.passphrases import passphrase_is_confirmed
from ...services.key_changes import key_change_enter, package_update
from ...services.passphrases import passphrase_confirm
from ...storage.locations import RepositoryPlace
from .new_repository import Exchange
from .open_either import open_with_either
from .plan import RekeyPlan
from .release import remove_old_key


@dataclasses.dataclass(slots=True)
class RekeyResult:
    """The result of a change of keys, and the steps that are left to the user."""

    repositories: list[str] = dataclasses.field(default_factory=list)
    packages: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)
    next_steps: list[str] = dataclasses.field(default_factory=list)


def rekey(
    plan: RekeyPlan,
    old: Passphrase,
    new: Passphrase,
    *,
    others: Sequence[Passphrase] = (),
    tracker: Tracker,
    tick: Callable[[], None],
) -> RekeyResult:
    """Carry out a plan. If it is interrupted at any point, carrying it out again completes it.

    Until its end the old passphrase opens everything, too, except packages that are encrypted again. Raises
    `RekeyFailed`, and other errors that prevent the change of a repository.
    """
    if plan.blocking:
        raise RekeyFailed("Nothing was changed: " + "; ".join(plan.blocking))
    done = RekeyResult()
    changes = []
    for one in plan.repositories:
        if plan.new_repository:
            changes.append(Exchange(one.place, old, new, others, tracker, tick).run())
        else:
            tracker.begin("adding the key")
            tick()
            changes.append(_add_key(one.place, old, new))
        done.repositories.append(str(one.place.path))
    if old.reveal() != new.reveal():
        for path in plan.packages:
            tracker.begin(f"encrypting {path.name} again")
            tick()
            _package(path, old, new, done, tick)
        if passphrase_is_confirmed(old):
            passphrase_confirm(new, now=timezone.now())
        _hand_over(plan, new, changes, done)
    done.next_steps += plan.keys_left
    for change in changes:
        if change.replaced:
            done.next_steps.append(
                f"When the new repository has proved itself, delete the old one, {change.replaced}:"
                " `manage.py backup_rekey --release`."
            )
    return done


def _add_key(place: RepositoryPlace, old: Passphrase, new: Passphrase) -> KeyChange:
    repository = open_with_either(place.path, old, new)
    backend = open_backend(place.path)
    with repository.lock():
        try:
            new_key = find_key(backend, new.reveal()).name
        except WrongPassphrase:
            new_key = repository.add_key(new.reveal())
        try:
            old_key: str = find_key(backend, old.reveal()).name
        except WrongPassphrase:
            old_key = ""
        return key_change_enter(place.storage_path, repository.id, old_key=old_key, new_key=new_key, now=timezone.now())


def _package(path: Path, old: Passphrase, new: Passphrase, done: RekeyResult, tick: Callable[[], None]) -> None:
    if not path.exists():
        return  # retention has removed it since
    try:
        if not opens_with(path, new):
            reencrypt(path, old=old, new=new, tick=tick)
    except PackageLocked:
        done.failed.append(f"{path}: neither passphrase opens it; it stays as it is")
        return
    job = job_of_package(str(path))
    if job is not None:
        # Also for a package that an interrupted run had encrypted again.
        size, sha256 = measure_file(path)
        package_update(job.uuid, size=size, sha256=sha256, mark=new_mark(new))
    done.packages.append(str(path))


def _hand_over(plan: RekeyPlan, new: Passphrase, changes: list[KeyChange], done: RekeyResult) -> None:
    """Give the new passphrase to all processes if its source is a file that can be replaced; otherwise say how."""
    if plan.password_file:
        _replace_file(Path(plan.password_file), new)
        for change in changes:
            remove_old_key(change, new)
        return
    done.next_steps.append(f"Have {plan.source} give the new passphrase to all processes of the project.")
    if plan.restart:
        done.next_steps.append(f"Restart what has the old one in its environment: {', '.join(plan.restart)}.")
    done.next_steps.append("Then take the old passphrase away: `manage.py backup_rekey --release`.")


def _replace_file(path: Path, new: Passphrase) -> None:
    """Replace the file in one step, with its owner and mode."""
    before = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), before.st_mode & 0o777)
            if os.getuid() == 0:
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(new.reveal() + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
