"""Backups as packages: a cut out, and what was stored compared with the manifest. The container is the engine's."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from strongroom import packages as engine
from strongroom.errors import PackageLocked, PackageRefused
from strongroom.packages import Package, PackageResult, compare, open_package, read_contents
from strongroom.packages.member_order import DATA
from strongroom.packages.reader import Progress
from strongroom.passphrase import Passphrase

from ..core.manifest import decode
from ..sources.consistency_point import ConsistencyPoint
from ..sources.verify import verify_database

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


def write_package(
    path: Path,
    cut: ConsistencyPoint,
    *,
    passphrase: Passphrase | None = None,
    compression: bool = True,
    progress: Progress | None = None,
    reading: Progress | None = None,
    rehearse: Callable[[Package], None] | None = None,
    before_publish: Callable[[], None] | None = None,
) -> PackageResult:
    """Write everything of `cut` into one new file at `path`, read back and compared with its manifest before it counts.

    `rehearse` is called with the package when it was found whole. See the engine's `write_package`, whose errors it
    raises, and `ManifestInvalid`.
    """

    def verify(package: Package) -> list[str]:
        findings = _compare(package, cut.spec.staging)
        if rehearse is not None and not findings:
            rehearse(package)
        return findings

    return engine.write_package(
        path,
        cut.entries(),
        mtime_ns=(cut.opened_at - _EPOCH) // _MICROSECOND * 1000,
        passphrase=passphrase,
        compression=compression,
        progress=progress,
        reading=reading,
        verify=verify,
        before_publish=before_publish,
        on_problem=cut.note_unread,
    )


def verify_package(path: Path, *, staging: Path | None = None) -> list[str]:
    """What is wrong with a package; empty if nothing is. Dumps are read to their end as `verify_captured` does.

    Raises `PackageLocked` for a wrong passphrase, which proves no damage, and what keeps it from being read.
    """
    try:
        package = open_package(path)
    except PackageLocked:
        raise
    except PackageRefused as error:
        return [str(error)]
    return _compare(package, staging)


def _compare(package: Package, staging: Path | None) -> list[str]:
    records = decode(package.manifest).databases
    findings = [finding for record in records for finding in verify_database(package, record, staging)]
    # Dumps are read by what understands them, which compares their hashes on the way.
    return [*compare(package, read_contents(package), parts=[DATA]).findings, *findings]
