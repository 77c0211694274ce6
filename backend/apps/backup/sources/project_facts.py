"""Facts about the project: versions, migrations of the code, fingerprints of secrets, files such as `.env`."""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import django
from django.apps import apps
from django.conf import settings as project

from strongroom.entries import Entry, OnDisk

from .. import conf
from ..core.manifest import ProjectFacts, SecretFingerprint
from .migrations import code_leaves

# Memory-hard, so that a short secret cannot be guessed from its fingerprint at any useful speed.
_COST: Final = 2**14
_BLOCK: Final = 8


def project_facts() -> ProjectFacts:
    """Return the versions that run here."""
    return ProjectFacts(
        python=platform.python_version(),
        django=django.get_version(),
        apps={config.label: _version(config.module) for config in apps.get_app_configs()},
        code_migrations=code_leaves(),
    )


def _version(module: object) -> str:
    version = getattr(module, "__version__", "")
    return version if isinstance(version, str) else ""


def fingerprint(name: str, salt: bytes) -> SecretFingerprint:
    """Return the fingerprint of the secret in the setting `name` or, without such a setting, in that variable."""
    value = getattr(project, name, None) or os.environ.get(name) or ""
    digest = ""
    if value:
        digest = hashlib.scrypt(str(value).encode(), salt=salt, n=_COST, r=_BLOCK, p=1, dklen=32).hex()
    return SecretFingerprint(name=name, salt=salt.hex(), digest=digest)


def secret_names() -> list[str]:
    """Return the names of the secrets that get fingerprints: SECRET_KEY and those of BACKUP_SECRETS, and no others."""
    return list(dict.fromkeys(["SECRET_KEY", *conf.load().secrets]))


def fingerprints() -> list[SecretFingerprint]:
    """Return fingerprints of all secrets, with fresh salts."""
    return [fingerprint(name, secrets.token_bytes(16)) for name in secret_names()]


def same_secret(recorded: SecretFingerprint) -> bool:
    """Return whether the secret here is the one at the time of the backup.

    Answers only for `secret_names`: otherwise the author of a package could guess any secret with it.
    """
    try:
        salt = bytes.fromhex(recorded.salt)
    except ValueError:
        return False
    here = fingerprint(recorded.name, salt)
    return hmac.compare_digest(here.digest.encode(), recorded.digest.encode())


def fact_entries(paths: Sequence[Path]) -> tuple[list[Entry], list[Path]]:
    """Return entries for the existing files, each under a name of its own, and the paths that do not exist."""
    entries: list[Entry] = []
    missing: list[Path] = []
    taken: set[str] = set()
    for path in paths:
        if not path.is_file():
            missing.append(path)
            continue
        name, number = path.name, 2
        while name in taken:
            name, number = f"{path.name}-{number}", number + 1
        taken.add(name)
        entries.append(OnDisk(os.fsencode(name), os.fsencode(os.path.realpath(path))))
    return entries, missing
