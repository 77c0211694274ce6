"""Choose the backup that `latest` means: the newest one that is complete and can be restored here.

If none is like that, the one with the lightest objection is chosen. The notes name each backup that was passed over.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Generic, Self, TypeVar

from django.db import connections

from ..core.manifest import Manifest
from ..core.timezones import in_utc
from ..models import BackupJob, BackupType, JobStatus, RehearsalState, Trust
from ..selectors import SKEW
from ..sources.databases import all_have_dumps

DATABASE, FILES = "database", "files"
EVERYTHING: Final = frozenset({DATABASE, FILES})
_MOST_NAMED: Final = 3
_Candidate = TypeVar("_Candidate")


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """The known facts about a backup. `engines` has the kind of each database by alias; `problems` counts those that
    were not accepted."""

    name: str
    backup_type: str
    at: datetime
    engines: Mapping[str, str]
    has_files: bool
    problems: int = 0
    is_damaged: bool = False
    is_unrestorable: bool = False

    @classmethod
    def of_job(cls, job: BackupJob, *, now: datetime) -> Self:
        """Return the facts that the catalogue has."""
        accepted = job.accepted_until is not None and job.accepted_until > now
        databases = job.manifest.get("databases", {})
        known = bool(job.manifest)
        return cls(
            name=job.job_name,
            backup_type=job.backup_type,
            at=job.started_at or job.queued_at,
            engines={alias: str(one.get("engine", "")) for alias, one in databases.items()}
            if known
            else _by_type(job.backup_type),
            has_files=bool(job.manifest.get("files")) if known else job.backup_type != BackupType.DATABASE,
            problems=0 if accepted or job.status != JobStatus.INCOMPLETE else max(1, job.problem_count),
            is_damaged=job.trust == Trust.DAMAGED,
            is_unrestorable=job.rehearsal_state == RehearsalState.FAILED,
        )

    @classmethod
    def of_manifest(cls, manifest: Manifest, *, lacks_lost: bool = False, is_damaged: bool = False) -> Self:
        """Return the facts in a backup's own manifest. `lacks_lost`: a repair left lost files out of it."""
        return cls(
            name=manifest.job.name,
            backup_type=manifest.job.type,
            at=manifest.job.started_at,
            engines={one.alias: one.engine for one in manifest.databases}
            | {one.alias: one.engine for one in manifest.data},
            has_files=bool(manifest.files),
            problems=manifest.problems + lacks_lost,
            is_damaged=is_damaged,
        )

    def objection(self, wanted: frozenset[str], *, now: datetime) -> tuple[int, str]:
        """Return the heaviest objection to restoring it: a weight, the greater the worse, and why; (0, "") if none."""
        found = [(0, "")]
        if in_utc(self.at) > in_utc(now + SKEW):
            found.append((7, "bears a time in the future"))
        if self.is_damaged:
            found.append((6, "is DAMAGED"))
        if wanted:
            found += self._restore_objections(wanted)
        return max(found)

    def lacks(self, wanted: frozenset[str]) -> list[str]:
        """Return the wanted parts that are not in it."""
        parts = ((DATABASE, bool(self.engines)), (FILES, self.has_files))
        return [part for part, is_in in parts if part in wanted and not is_in]

    def _restore_objections(self, wanted: frozenset[str]) -> Iterable[tuple[int, str]]:
        for alias, engine in self.engines.items():
            ours = connections[alias].vendor if alias in connections.settings else ""
            if self.backup_type != BackupType.EXPORT and engine and ours != engine and DATABASE in wanted:
                here = f"is {ours} here" if ours else "is not in the settings"
                yield 5, f"is a dump of {engine}, and the database {alias!r} {here}"
        if self.is_unrestorable:
            yield 4, "cannot be restored as it is: its rehearsal failed"
        if missing := self.lacks(wanted):
            yield 3, f"holds no {missing[0]}"
        if self.problems:
            yield 2, f"is INCOMPLETE ({self.problems} problems)"
        if self.backup_type == BackupType.EXPORT and DATABASE in wanted and all_have_dumps():
            yield 1, "is an EXPORT, which holds rows and no dump"


def _by_type(backup_type: str) -> dict[str, str]:
    return {} if backup_type == BackupType.FILES else {"default": ""}


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen(Generic[_Candidate]):
    """The chosen backup, and notes for the user about those that were passed over."""

    candidate: _Candidate
    notes: tuple[str, ...]


def choose(
    newest_first: Iterable[tuple[_Candidate | None, Facts | str]], wanted: frozenset[str], *, now: datetime
) -> Chosen[_Candidate] | None:
    """Return the newest candidate without an objection, else the newest with the lightest one; None if there is none.

    A candidate that cannot be taken is given as None, with the reason as a text.
    """
    passed: list[str] = []
    best: tuple[int, _Candidate, Facts, str, list[str]] | None = None
    for candidate, facts in newest_first:
        if candidate is None or isinstance(facts, str):
            passed.append(str(facts))
            continue
        weight, why = facts.objection(wanted, now=now)
        if not weight:
            return Chosen(candidate, _notes(passed, ""))
        if best is None or weight < best[0]:
            best = weight, candidate, facts, why, list(passed)
        passed.append(f"{facts.name} {why}")
    if best is None:
        return None
    _, candidate, facts, why, before = best
    return Chosen(candidate, _notes(before, f"No backup is better than {facts.name}, which {why}."))


def _notes(passed: list[str], end: str) -> tuple[str, ...]:
    """Return one sentence about the backups that were passed over, and `end` unless it is empty."""
    notes = []
    if passed:
        more = f", and {len(passed) - _MOST_NAMED} more" if len(passed) > _MOST_NAMED else ""
        named = "; ".join(passed[:_MOST_NAMED])
        notes.append(f"{named}{more}: this is the newest backup before {'it' if len(passed) == 1 else 'them'}.")
    if end:
        notes.append(end)
    return tuple(notes)
