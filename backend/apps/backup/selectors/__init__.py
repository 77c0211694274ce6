"""Reads of the ledger, by subject."""

from .configurations import (
    ConfigurationState,
    configuration_by_name,
    configuration_by_uuid,
    configuration_names,
    configuration_states,
    configurations,
    daily_growth,
    job_counts,
    storage_paths,
    stored_bytes,
)
from .jobs import (
    SHORTEST_PREFIX,
    job_by_uuid,
    job_latest,
    job_log,
    job_matching,
    job_of_package,
    jobs_by_uuids,
    jobs_newest,
    uuid_prefix,
)
from .rows import (
    FAILURES,
    HAS_BACKUP,
    STORED_STATUSES,
)
from .work import (
    job_parent_candidates,
    jobs_runnable,
    jobs_to_send,
    jobs_unfinished,
)

__all__ = [
    "FAILURES",
    "HAS_BACKUP",
    "SHORTEST_PREFIX",
    "STORED_STATUSES",
    "ConfigurationState",
    "configuration_by_name",
    "configuration_by_uuid",
    "configuration_names",
    "configuration_states",
    "configurations",
    "daily_growth",
    "job_by_uuid",
    "job_counts",
    "job_latest",
    "job_log",
    "job_matching",
    "job_of_package",
    "job_parent_candidates",
    "jobs_by_uuids",
    "jobs_newest",
    "jobs_runnable",
    "jobs_to_send",
    "jobs_unfinished",
    "storage_paths",
    "stored_bytes",
    "uuid_prefix",
]
