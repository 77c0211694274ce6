"""Try the restore of a package for its plan: load its rows into a database beside the live one, and remove that.

No list of rules predicts for each schema what a database accepts, which depends on types, keys, references, constraints
and migrations. The trial asks the database. It takes the time and the space of the restore itself.
"""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import Iterator, Sequence

from django.utils import timezone

from ...conf import load
from ...core.manifest import DataRecord
from ...errors import RestoreFailed
from ...sources.file_references import reference_fields
from ...sources.files import database_files, file_roots
from ..access.compare import compare_access
from ..backup_source import Origin, Progress
from ..journal import Journal, State, folder, forget_lock, only_restore
from ..staging import stage
from ..swap import discard_staged
from .plan import Plan


def try_rows(
    plan: Plan, origin: Origin, data: Sequence[DataRecord], *, leave_out: frozenset[str], progress: Progress
) -> None:
    """Load the rows beside the live databases and remove them again; obstacles are added to `plan.blocking`.

    Raises `RestoreRefused` while another restore is running.
    """
    with _no_folder_left(), _trial(plan) as journal:
        try:
            notes = stage.stage_rows(
                journal, origin, data, leave_out=leave_out, progress=progress, phase=lambda _name: None
            )
        except RestoreFailed as error:
            plan.blocking.append(f"the rows were tried, and do not fit: {error}")
        else:
            plan.access += compare_access(journal.components, now=timezone.now(), tokens=not plan.drop_access)
            plan.warnings += [note for note in notes if note not in plan.warnings]


@contextlib.contextmanager
def _no_folder_left() -> Iterator[None]:
    """Remove the folders that the trial has made, and those that migrations of the project make."""
    journals = folder()
    candidates = [
        *(path.parent for path in database_files().values()),
        journals,
        journals.parent,
        *(root.path for root in file_roots(reference_fields(load().reference_fields))),
    ]
    made = [path for path in candidates if not path.exists()]
    try:
        yield
    finally:
        if journals in made:
            forget_lock(journals)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


@contextlib.contextmanager
def _trial(plan: Plan) -> Iterator[Journal]:
    with only_restore():
        journal = Journal(
            restore=uuid.uuid4(),
            backup=plan.backup,
            backup_job=None,
            restore_type=plan.restore_type,
            state=State.STAGING,
            created_at=datetime.datetime.now(datetime.UTC),
            is_trial=True,
        )
        journal.save()
        try:
            yield journal
        finally:
            discard_staged(journal)
            journal.forget()
