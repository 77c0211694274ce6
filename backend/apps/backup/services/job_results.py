"""The result of a job, in the form of its row's columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypedDict

import msgspec

from strongroom.format.snapshot import Summary

from ..core.manifest import Manifest
from ..models import Trust
from ..sources.engines.rehearsal import Rehearsals
from .job_log import storable, storable_text

MOST_PROBLEMS_KEPT = 1000
"""The most problems that the row lists; the count is always complete."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobResult:
    """The stored backup of a job. Sizes are bytes: `backup_size` of the data read, `stored_size` of the storage used.

    `repository` is the primary key of the snapshot's repository.
    """

    repository: int | None = None
    snapshot_id: str = ""
    backup_file_path: str = ""
    checksum: str = ""
    sealed_with: str = ""
    backup_size: int | None = None
    stored_size: int | None = None
    new_files: int | None = None
    changed_files: int | None = None
    unchanged_files: int | None = None
    manifest: Mapping[str, object] = dataclasses.field(default_factory=dict)
    warnings: Sequence[str] = ()
    problems: Sequence[tuple[str, str]] = ()
    rehearsals: Rehearsals = dataclasses.field(default_factory=Rehearsals)

    @property
    def trust(self) -> str:
        """The trust level of the verified backup: STORED if a rehearsal of its restore failed or was not possible."""
        return Trust.STORED if self.rehearsals.is_obstacle else Trust.VERIFIED

    @property
    def problems_listed(self) -> list[dict[str, str]]:
        """The problems in the form of the row."""
        return [
            {"path": storable_text(path), "reason": storable_text(reason)}
            for path, reason in self.problems[:MOST_PROBLEMS_KEPT]
        ]

    def columns(self) -> dict[str, object]:
        """Return the columns of the job's row."""
        return {
            "repository_id": self.repository,
            "snapshot_id": self.snapshot_id,
            "backup_file_path": self.backup_file_path,
            "checksum": self.checksum,
            "sealed_with": self.sealed_with,
            "backup_size": self.backup_size,
            "stored_size": self.stored_size,
            "new_files": self.new_files,
            "changed_files": self.changed_files,
            "unchanged_files": self.unchanged_files,
            "manifest": dict(self.manifest),
            "warnings": [storable_text(text) for text in [*self.warnings, *self.rehearsals.warnings()]],
            **rehearsal_columns(self.rehearsals),
            "problems": self.problems_listed,
            "problem_count": len(self.problems),
        }


def rehearsal_columns(rehearsals: Rehearsals) -> dict[str, object]:
    """Return the columns of the row with the results of the rehearsals."""
    return {"rehearsal_state": rehearsals.state, "rehearsal": storable(rehearsals.to_json())}


class Measured(TypedDict, total=False):
    """The columns that come from a snapshot's summary; empty if it has none."""

    backup_size: int
    stored_size: int
    new_files: int
    changed_files: int
    unchanged_files: int


def summary_facts(summary: Summary | None) -> Measured:
    """Return the columns that come from a snapshot's summary."""
    if summary is None:
        return {}
    return {
        "backup_size": summary.total_bytes_processed,
        "stored_size": summary.data_added_packed,
        "new_files": summary.files_new,
        "changed_files": summary.files_changed,
        "unchanged_files": summary.files_unmodified,
    }


def manifest_facts(manifest: Manifest) -> dict[str, object]:
    """Return the part of a manifest that lists show, for the job's row."""
    databases = {
        record.alias: {"engine": record.engine, "tables": len(record.tables), "rows": sum(record.tables.values())}
        for record in manifest.databases
    }
    databases |= {
        record.alias: {
            "engine": record.engine,
            "tables": len(record.tables),
            "rows": sum(table.rows for table in record.tables),
        }
        for record in manifest.data
    }
    outside = {} if manifest.outside is None else {"outside": msgspec.to_builtins(manifest.outside)}
    return {
        **outside,
        "cut_at": manifest.cut_at.isoformat(),
        "databases": databases,
        "files": {
            record.name: {"files": record.files, "folders": record.folders, "bytes": record.bytes}
            for record in manifest.files
        },
        "references_checked": manifest.references.checked,
        "references_missing": manifest.references.missing,
        "references_excluded": manifest.references.excluded,
        "orphans": manifest.references.orphans,
    }
