"""Write a consistency point as a package, and compare a package with its manifest. The engine has the file format."""

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
    point: ConsistencyPoint,
    *,
    passphrase: Passphrase | None = None,
    compression: bool = True,
    progress: Progress | None = None,
    reading: Progress | None = None,
    rehearse: Callable[[Package], None] | None = None,
    before_publish: Callable[[], None] | None = None,
) -> PackageResult:
    """Write the consistency point `point` into one new file at `path`, and verify it before it gets its final name.

    `rehearse` is called with the package after it was found whole. Raises `ManifestInvalid` and the errors of the
    engine's `write_package`.
    """

    def verify(package: Package) -> list[str]:
        findings = _compare(package, point.spec.staging)
        if rehearse is not None and not findings:
            rehearse(package)
        return findings

    return engine.write_package(
        path,
        point.entries(titles=False),
        mtime_ns=(point.opened_at - _EPOCH) // _MICROSECOND * 1000,
        passphrase=passphrase,
        compression=compression,
        progress=progress,
        reading=reading,
        verify=verify,
        before_publish=before_publish,
        on_problem=point.note_unread,
    )


def verify_package(path: Path, *, staging: Path | None = None) -> list[str]:
    """Return the findings about a package, none if it is good. Dumps are read to their end, as in `verify_captured`.

    Raises `PackageLocked` for a wrong passphrase, which proves no damage, and the error that keeps it from being read.
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
    # Dumps were verified above, by the programs that understand them: their hashes were compared on the way.
    return [*compare(package, read_contents(package), parts=[DATA]).findings, *findings]
