"""The plan of a change of the passphrase. It changes nothing."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django.utils import timezone

from strongroom.backends import open_backend
from strongroom.errors import StrongroomError
from strongroom.packages import message_passphrase
from strongroom.passphrase import FILE, VALUE, Passphrase
from strongroom.repository.keys import list_keys, opened_by

from ... import selectors
from ...backups.passphrase_check import encrypted_places, key_obstacle, places_away
from ...core.mounts import is_mount
from ...selectors.executors import executors_alive
from ...selectors.repositories import key_changes_open
from ...storage.locations import SEALED_PACKAGE, RepositoryPlace
from ...storage.packages import is_stored_package, known_packages
from ...storage.repository_files import size_on_disk
from .new_repository import exchanges_cut_off
from .open_either import open_with_either


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryPlan:
    """The plan for one repository. `size` and `free` are bytes."""

    place: RepositoryPlace
    snapshots: int
    size: int
    free: int


@dataclasses.dataclass(slots=True)
class RekeyPlan:
    """The plan of a change of keys. It is possible if `blocking` is empty.

    `password_file` is the file that gets the new passphrase; empty if the user must change the passphrase's source.
    """

    new_repository: bool
    source: str
    password_file: str
    repositories: list[RepositoryPlan] = dataclasses.field(default_factory=list)
    packages: list[Path] = dataclasses.field(default_factory=list)
    elsewhere: list[str] = dataclasses.field(default_factory=list)
    restart: list[str] = dataclasses.field(default_factory=list)
    keys_left: list[str] = dataclasses.field(default_factory=list)
    """Keys whose passphrases are not known here, and which do not open a new repository; in words."""
    still_readable: list[str] = dataclasses.field(default_factory=list)
    blocking: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        return {
            "new_repository": self.new_repository,
            "source": self.source,
            "password_file": self.password_file,
            "repositories": [
                {"path": str(one.place.path), "snapshots": one.snapshots, "bytes": one.size, "free_bytes": one.free}
                for one in self.repositories
            ],
            "packages": [str(path) for path in self.packages],
            "packages_elsewhere": self.elsewhere,
            "restart": self.restart,
            "keys_left": self.keys_left,
            "still_readable": self.still_readable,
            "blocking": self.blocking,
        }


def plan_rekey(
    old: Passphrase, new: Passphrase, *, new_repository: bool, others: Sequence[Passphrase] = ()
) -> RekeyPlan:
    """Plan a change after which `new` opens everything instead of `old`, and `others` open a new repository as well.

    An interrupted change has the same plan again; its completed steps are not repeated. Raises the errors of reading
    the catalogue and the storage.
    """
    message_passphrase(new)
    is_same = old.reveal() == new.reveal()
    plan = RekeyPlan(new_repository, old.source, "" if is_same else password_file(old))
    if is_same and not new_repository:
        plan.blocking.append(f"the new passphrase is the one that {old.source} gives already")
    plan.blocking += [
        f"the exchange of {place.path} was interrupted between two renames; run the same without --dry-run, which"
        " completes it"
        for place, _ in exchanges_cut_off()
    ]
    plan.blocking += [
        f"the catalogue has backups in the repository in {path!r}, which is not there: mount its storage first, or it"
        " keeps the old passphrase"
        for path in places_away()
    ]
    for place in encrypted_places():
        obstacle = key_obstacle(place, old)
        if obstacle and key_obstacle(place, new):
            plan.blocking.append(obstacle)
        else:
            plan.blocking += _open_errors(place, old, new)
        _plan_place(plan, place)
        _require_no_other(plan, place, old, new)
        if new_repository:
            plan.keys_left += _keys_left(place, (old, new, *others))
            plan.blocking += [
                f"the passphrase of {one.source} opens no key of {place.path}: only one that does is taken along"
                for one in others
                if key_obstacle(place, one)
            ]
    if not is_same:
        _plan_packages(plan)
        if old.source == VALUE:
            plan.restart = [str(one) for one in executors_alive(now=timezone.now())]
    plan.still_readable = _still_readable(plan)
    return plan


def _plan_packages(plan: RekeyPlan) -> None:
    """Plan to encrypt the sealed packages in the storage again; one of the catalogue that is missing blocks."""
    in_ledger = selectors.packages_sealed()
    stored = {Path(path).resolve() for path in in_ledger if is_stored_package(Path(path))}
    away = sorted(path for path in stored if not path.is_file())
    found = {path for path in known_packages(selectors.storage_paths()) if _is_sealed(path)}
    plan.packages = sorted(found | stored - set(away))
    plan.elsewhere = [path for path in in_ledger if Path(path).resolve() not in stored]
    if away:
        plan.blocking.append(
            f"{len(away)} sealed packages that the catalogue has in the storage are not there, the first is {away[0]}:"
            " they would keep the old passphrase. Mount their storage or put them back; if they are lost,"
            " `backup_catalogue --rebuild --forget-missing`"
        )


def password_file(old: Passphrase) -> str:
    """Return the file of the passphrase if it can be replaced, else "". All processes that read it then change, too."""
    if old.source != FILE:
        return ""
    path = Path(os.environ[FILE]).resolve()
    return str(path) if os.access(path.parent, os.W_OK) and not is_mount(path) else ""


def _plan_place(plan: RekeyPlan, place: RepositoryPlace) -> None:
    snapshots = sum(1 for _ in (place.path / "snapshots").iterdir())
    size, free = size_on_disk(place.path), shutil.disk_usage(place.storage).free
    plan.repositories.append(RepositoryPlan(place, snapshots, size, free))
    if plan.new_repository and free < size + size // 20:
        plan.blocking.append(
            f"{place.storage} has {free:,} bytes free, and a second repository of about {size:,} is needed; make room"
        )


def _keys_left(place: RepositoryPlace, passphrases: Iterable[Passphrase]) -> Iterator[str]:
    """Yield the keys that none of these passphrases opens, and say how to add each to the new repository."""
    backend, known = open_backend(place.path), set[str]()
    for one in passphrases:
        known |= opened_by(backend, one.reveal())
    for key in list_keys(backend):
        if key.name not in known:
            yield (
                f"key {key.name[:8]} of {place.path}, made by {key.username}@{key.hostname} on {key.created[:10]}: its"
                " passphrase does not open the new repository. Give it with --keep-password-file, or let its owner"
                f" add it afterwards: strongroom key add --repo {place.path} --new-password-file FILE"
            )


def _open_errors(place: RepositoryPlace, old: Passphrase, new: Passphrase) -> list[str]:
    """Return the error of a repository that does not open with a right passphrase: its file `config` is damaged."""
    try:
        open_with_either(place.path, old, new)
    except StrongroomError as error:
        return [str(error)]
    return []


def _require_no_other(plan: RekeyPlan, place: RepositoryPlace, old: Passphrase, new: Passphrase) -> None:
    """Block a second change: until one is released, only the same change can be carried out again."""
    for change in key_changes_open():
        if not place.holds(change.storage_path, encrypted=True) or not key_obstacle(place, new):
            continue
        if not key_obstacle(place, old) and open_with_either(place.path, old, new).id == change.repository_id:
            plan.blocking.append(
                f"the key of {place.path} was changed on {change.changed_at:%Y-%m-%d}, which was not released yet: run"
                " `manage.py backup_rekey --release` first"
            )


def _is_sealed(path: Path) -> bool:
    return path.name.endswith(SEALED_PACKAGE)


def _still_readable(plan: RekeyPlan) -> list[str]:
    texts = []
    if plan.new_repository:
        texts.append(
            "With a copy of the old repository and the old passphrase, a thief reads all that it held; of what is"
            " stored from now on, nothing."
        )
    elif plan.repositories:
        texts.append(
            "With a copy of the old key files and the old passphrase, a thief has the master key. It reads all that is"
            " stored, and what will be: only --new-repository changes that."
        )
    if plan.packages:
        texts.append("Copies of packages that were made before can be read with the old passphrase.")
    if plan.elsewhere:
        texts.append("Packages outside of the storage keep the old passphrase: make new ones, and delete the old ones.")
    return texts
