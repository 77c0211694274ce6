"""Rehearse the restore of the databases of a stored backup, as far as their engines can."""

from __future__ import annotations

from django.db.utils import Error as DatabaseFailure

from ..core.manifest import DatabaseRecord, Manifest
from ..errors import BackupError
from ..models import RehearsalState
from .engines.contract import CaptureEngine
from .engines.registry import DATABASE_ENGINES
from .engines.rehearsal import Rehearsal, Rehearsals
from .streams import DumpPlace

__all__ = ["Rehearsal", "Rehearsals", "rehearse_all"]


def rehearse_all(place: DumpPlace, manifest: Manifest) -> Rehearsals:
    """Rehearse the restore of each database of a backup whose engine can do it.

    A rehearsal that is not possible is a result. Raises only errors that end the job.
    """
    found = {}
    for record in manifest.databases:
        engine = DATABASE_ENGINES.get(record.engine)
        if engine is not None and engine.rehearses:
            found[record.alias] = _rehearse(engine, place, record)
    return Rehearsals(found)


def _rehearse(engine: CaptureEngine, place: DumpPlace, record: DatabaseRecord) -> Rehearsal:
    try:
        return engine.rehearse(place, record)
    except (BackupError, DatabaseFailure) as error:
        return Rehearsal(RehearsalState.IMPOSSIBLE, " ".join(str(error).split()))
