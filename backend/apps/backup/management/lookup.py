"""Find the configuration or the job that a user names in a command."""

from __future__ import annotations

import difflib
import uuid

from ..errors import ConfigurationNotFound, JobNotFound
from ..models import BackupConfiguration, BackupJob
from ..selectors import configuration_by_name, configuration_by_uuid, configuration_names, job_matching, jobs_newest

LATEST = "latest"
"""The word for the newest job or backup."""
_SHOWN = 20


def configuration_named(text: str) -> BackupConfiguration:
    """Return the configuration with this name or uuid. Raises `ConfigurationNotFound`, which suggests similar names."""
    found = configuration_by_name(text)
    if found is None:
        try:
            found = configuration_by_uuid(uuid.UUID(text))
        except ValueError:
            found = None
    if found is None:
        raise ConfigurationNotFound(f"There is no configuration {text!r}. {_nearest(text)}")
    return found


def job_named(text: str) -> BackupJob:
    """Return the job with this name or uuid, or the beginning of one; for `latest` the newest job.

    Raises `JobNotFound`, `AmbiguousReference`.
    """
    found = next(iter(jobs_newest(limit=1)), None) if text == LATEST else job_matching(text)
    if found is None:
        raise JobNotFound(f"There is no job {text!r}. `backup_jobs --list` shows all jobs.")
    return found


def _nearest(text: str) -> str:
    names = configuration_names()
    near = difflib.get_close_matches(text, names, n=3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    if not names:
        return "No configuration exists yet."
    return f"The configurations are: {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}."
