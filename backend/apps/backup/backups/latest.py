"""Which backup `latest` means: the newest one that is complete and can be restored here, and why others are not.

Where none is like that, the one with the least against it is chosen. What was passed over is always said.
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
    """What is known of a backup. `engines` are the kinds of its databases by alias; `problems` are open ones."""

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
        """As the ledger has them."""
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
        """As the backup itself has them. `lacks_lost`: what was lost was left out when it was repaired."""
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

    def against(self, wanted: frozenset[str], *, now: datetime) -> tuple[int, str]:
        """What speaks against restoring it, the greater the worse; 0 and no words for nothing."""
        found = [(0, "")]
        if in_utc(self.at) > in_utc(now + SKEW):
            found.append((7, "bears a time in the future"))
        if self.is_damaged:
            found.append((6, "is DAMAGED"))
        if wanted:
            found += self._against_restoring(wanted)
        return max(found)

    def lacks(self, wanted: frozenset[str]) -> list[str]:
        """What is wanted and is not in it."""
        parts = ((DATABASE, bool(self.engines)), (FILES, self.has_files))
        return [part for part, there in parts if part in wanted and not there]

    def _against_restoring(self, wanted: frozenset[str]) -> Iterable[tuple[int, str]]:
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
    """The backup that is meant, and what was passed over for it, in words."""

    candidate: _Candidate
    notes: tuple[str, ...]


def choose(
    newest_first: Iterable[tuple[_Candidate | None, Facts | str]], wanted: frozenset[str], *, now: datetime
) -> Chosen[_Candidate] | None:
    """The newest with nothing against it, else the newest of those with the least; None if there is none at all.

    A candidate that cannot be taken comes as None, with the reason in words.
    """
    passed: list[str] = []
    best: tuple[int, _Candidate, Facts, str, list[str]] | None = None
    for candidate, facts in newest_first:
        if candidate is None or isinstance(facts, str):
            passed.append(str(facts))
            continue
        weight, why = facts.against(wanted, now=now)
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
    """What was passed over, in one sentence, and what else is to be said."""
    notes = []
    if passed:
        more = f", and {len(passed) - _MOST_NAMED} more" if len(passed) > _MOST_NAMED else ""
        said = "; ".join(passed[:_MOST_NAMED])
        notes.append(f"{said}{more}: this is the newest backup before {'it' if len(passed) == 1 else 'them'}.")
    if end:
        notes.append(end)
    return tuple(notes)
