"""Find the sealed packages that the passphrase of this process does not open.

The catalogue has, for each package, a mark of the passphrase that sealed it. A package without a mark, or with the mark
of another passphrase, is tried: its head is decrypted, which takes about as long as one guess of the passphrase.
Packages beyond the newest ones are judged by their mark.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from strongroom.errors import PackageRefused, PassphraseError
from strongroom.packages import head_opens_with
from strongroom.passphrase import Passphrase, passphrase_source

from .. import selectors
from ..selectors import SealedPackage
from ..storage.passphrase import current_passphrase, fingerprint, mark_of

_MOST_TRIED: Final = 16
_MOST_KEPT: Final = 4096
_SALT_BYTES: Final = 16


def new_mark(passphrase: Passphrase) -> str:
    """Return the mark for a package sealed with a passphrase, with a salt that the catalogue has already, if any."""
    salts = _salts(selectors.package_marks())
    return mark_of(passphrase, salts[0] if salts else os.urandom(_SALT_BYTES))


def packages_locked(packages: Sequence[SealedPackage]) -> dict[int, str]:
    """Return the reason for each package that does not open with the passphrase of this process, by its job's key.

    `packages` are those that exist, the newest first. Returns nothing if there is no passphrase or it cannot be read:
    other findings report that.
    """
    if not packages or passphrase_source() is None:
        return {}
    try:
        passphrase = current_passphrase()
    except PassphraseError:
        return {}
    own = {mark_of(passphrase, salt) for salt in _salts(one.mark for one in packages)}
    reasons: dict[int, str] = {}
    for number, package in enumerate(one for one in packages if one.mark not in own):
        if number < _MOST_TRIED:
            reason = _try_to_open(package, passphrase)
        else:
            reason = _wrong_passphrase(package, passphrase) if package.mark else ""
        if reason:
            reasons[package.pk] = reason
    return reasons


def _salts(marks: Iterable[str]) -> list[bytes]:
    return sorted({bytes.fromhex(mark.partition("$")[0]) for mark in marks if mark})


def _try_to_open(package: SealedPackage, passphrase: Passphrase) -> str:
    """Return why a package does not open, "" if it does; cached for the same file and passphrase."""
    try:
        state = Path(package.path).stat()
    except OSError:
        return ""  # it is missing, which is another finding
    key = (package.path, state.st_ino, state.st_size, state.st_mtime_ns, fingerprint(passphrase))
    with _guard:
        if key in _known:
            return _known[key]
    try:
        reason = "" if head_opens_with(Path(package.path), passphrase) else _wrong_passphrase(package, passphrase)
    except PackageRefused as error:
        reason = str(error)
    with _guard:
        if len(_known) >= _MOST_KEPT:
            _known.clear()
        _known[key] = reason
    return reason


def _wrong_passphrase(package: SealedPackage, passphrase: Passphrase) -> str:
    return (
        f"The passphrase from {passphrase.source} does not open the package {Path(package.path).name}: it was sealed"
        " with another one, or is damaged at its beginning."
    )


_known: dict[tuple[str, int, int, int, bytes], str] = {}
_guard = threading.Lock()
