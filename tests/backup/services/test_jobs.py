"""The states of a job: every step happens once, for the process that holds the lease."""

import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from apps.backup.core import processes
from apps.backup.core.processes import ProcessIdentity, own_identity
from apps.backup.errors import AlreadyRunning, IllegalTransition, JobNotFound, LeaseLost, SlotTaken
from apps.backup.models import BackupConfiguration, BackupJob, JobStatus, Trust
from apps.backup.policies.job_request import JobRequest
from apps.backup.services import dead_jobs as reaping
from apps.backup.services import job_results as results
from apps.backup.services import jobs

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FULL = JobRequest(backup_type="FULL")
RESULT = jobs.JobResult(
    snapshot_id="ab" * 32, backup_size=10, stored_size=5, new_files=1, changed_files=2, unchanged_files=3
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def configuration() -> BackupConfiguration:
    return BackupConfiguration.objects.create(name="nightly")


def claimed(**values) -> jobs.Claim:
    job = jobs.job_create(FULL, now=NOW, **values)
    return jobs.job_claim(job.uuid, worker=own_identity(), now=NOW)


def row(claim: jobs.Claim) -> BackupJob:
    return BackupJob.objects.get(uuid=claim.job)


def test_a_job_copies_its_configuration(configuration):
    request = JobRequest.of_configuration(configuration)
    job = jobs.job_create(request, configuration=configuration, now=NOW)
    configuration.encryption_enabled = False
    configuration.name = "renamed"
    configuration.save()
    stored = BackupJob.objects.get(pk=job.pk)
    assert stored.status == JobStatus.PENDING
    assert stored.configuration_name == "nightly"
    assert JobRequest.from_json(stored.backup_type, stored.settings) == request
    assert stored.job_name == "nightly-20261123T020000Z"


def test_a_request_survives_its_row():
    request = JobRequest("FILES", "a/b", False, False, ("in",), ("*.tmp", "x"), "/tmp/x.tar.gz")
    job = jobs.job_create(request, now=NOW)
    job.refresh_from_db()
    assert JobRequest.from_json(job.backup_type, job.settings) == request


def test_a_deleted_configuration_leaves_its_jobs(configuration):
    job = jobs.job_create(FULL, configuration=configuration, now=NOW)
    configuration.delete()
    job.refresh_from_db()
    assert job.configuration is None
    assert job.configuration_name == "nightly"


def test_from_claim_to_completion(configuration):
    claim = claimed(configuration=configuration)
    running = row(claim)
    assert (running.status, running.attempt, running.running_key) == (JobStatus.RUNNING, 1, configuration.uuid)
    assert running.lease_token == claim.token
    assert running.lease_expires_at == NOW + jobs.LEASE
    later = NOW + timedelta(seconds=40)
    jobs.job_heartbeat(claim, now=later)
    assert row(claim).lease_expires_at == later + jobs.LEASE
    jobs.job_progress(claim, {"phase": "storing"}, now=later)
    assert row(claim).progress == {"phase": "storing"}
    jobs.job_publish_check(claim, now=later)
    jobs.job_complete(claim, RESULT, now=later)
    done = row(claim)
    assert (done.status, done.trust, done.completed_at) == (JobStatus.COMPLETED, Trust.VERIFIED, later)
    assert (done.snapshot_id, done.unchanged_files) == ("ab" * 32, 3)
    assert done.running_key is None


def test_a_second_delivery_changes_nothing():
    claim = claimed()
    before = BackupJob.objects.filter(uuid=claim.job).values().get()
    with pytest.raises(IllegalTransition, match="RUNNING"):
        jobs.job_claim(claim.job, worker=own_identity(), now=NOW + timedelta(seconds=1))
    assert BackupJob.objects.filter(uuid=claim.job).values().get() == before


@pytest.mark.parametrize(
    "step",
    [
        lambda claim: jobs.job_heartbeat(claim, now=NOW),
        lambda claim: jobs.job_progress(claim, {"phase": "late"}, now=NOW),
        lambda claim: jobs.job_publish_check(claim, now=NOW),
        lambda claim: jobs.job_complete(claim, RESULT, now=NOW),
        lambda claim: jobs.job_incomplete(claim, RESULT, now=NOW),
        lambda claim: jobs.job_fail(claim, "late", now=NOW),
        lambda claim: jobs.job_cancel(claim, "late", now=NOW),
    ],
    ids=["heartbeat", "progress", "publish", "complete", "incomplete", "fail", "cancel"],
)
@pytest.mark.parametrize("usurped", ["other token", "ended"])
def test_lost_leases_change_nothing(step, usurped):
    claim = claimed()
    if usurped == "ended":
        jobs.job_fail(claim, "declared dead", now=NOW)
        stale = claim
    else:
        stale = jobs.Claim(job=claim.job, token=uuid.uuid4())
    before = BackupJob.objects.filter(uuid=claim.job).values().get()
    with pytest.raises(LeaseLost, match=str(claim.job)):
        step(stale)
    assert BackupJob.objects.filter(uuid=claim.job).values().get() == before


def test_one_running_job_per_configuration(configuration):
    first = claimed(configuration=configuration)
    second = jobs.job_create(FULL, configuration=configuration, now=NOW)
    with pytest.raises(AlreadyRunning, match=str(first.job)):
        jobs.job_claim(second.uuid, worker=own_identity(), now=NOW)
    second.refresh_from_db()
    assert second.status == JobStatus.PENDING
    jobs.job_complete(first, RESULT, now=NOW)
    assert jobs.job_claim(second.uuid, worker=own_identity(), now=NOW).job == second.uuid


def test_ad_hoc_jobs_run_beside_each_other():
    assert claimed().token != claimed().token
    assert BackupJob.objects.filter(status=JobStatus.RUNNING).count() == 2


def test_one_job_per_slot(configuration):
    jobs.job_create(FULL, configuration=configuration, slot=NOW, now=NOW)
    with pytest.raises(SlotTaken, match="nightly"):
        jobs.job_create(FULL, configuration=configuration, slot=NOW, now=NOW)
    jobs.job_create(FULL, configuration=configuration, slot=NOW + timedelta(hours=1), now=NOW)
    assert BackupJob.objects.count() == 2


def test_an_unknown_job_is_named():
    unknown = uuid.uuid4()
    with pytest.raises(JobNotFound, match=str(unknown)):
        jobs.job_claim(unknown, worker=own_identity(), now=NOW)


def test_incomplete_lists_what_is_missing_and_counts_all():
    problems = [(f"lost/\udcff-{number}", "gone\0") for number in range(results.MOST_PROBLEMS_KEPT + 5)]
    claim = claimed()
    jobs.job_incomplete(claim, jobs.JobResult(snapshot_id="cd" * 32, problems=problems), now=NOW)
    done = row(claim)
    assert done.status == JobStatus.INCOMPLETE
    assert done.problem_count == results.MOST_PROBLEMS_KEPT + 5
    assert len(done.problems) == results.MOST_PROBLEMS_KEPT
    assert done.problems[0] == {"path": "lost/\\xff-0", "reason": "gone\\x00"}


def test_trust_needs_something_stored():
    claim = claimed()
    jobs.job_fail(claim, "no space", now=NOW)
    with pytest.raises(IllegalTransition, match="no stored backup"):
        jobs.job_trust_set(claim.job, Trust.VERIFIED)


def test_a_job_whose_process_was_killed_is_reaped_and_blocks_nothing(configuration):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    identity = ProcessIdentity(own_identity().host, child.pid, processes._start(child.pid) or "")
    dead = jobs.job_create(FULL, configuration=configuration, now=NOW)
    jobs.job_claim(dead.uuid, worker=identity, now=NOW)
    assert jobs.job_reap(now=NOW) == []
    child.kill()
    while processes._start(child.pid) is not None:
        pass  # killed, and perhaps still a zombie: both count as gone
    nxt = jobs.job_create(FULL, configuration=configuration, now=NOW + timedelta(seconds=1))
    claim = jobs.job_claim(nxt.uuid, worker=own_identity(), now=NOW + timedelta(seconds=1))
    dead.refresh_from_db()
    assert dead.status == JobStatus.FAILED
    assert f":{child.pid} " in dead.error_message
    assert row(claim).status == JobStatus.RUNNING
    child.wait()


def test_a_reused_process_number_is_not_the_same_process():
    identity = own_identity()
    job = jobs.job_create(FULL, now=NOW)
    jobs.job_claim(job.uuid, worker=ProcessIdentity(identity.host, identity.pid, "1"), now=NOW)
    assert jobs.job_reap(now=NOW) == [job.uuid]


def test_a_silent_job_elsewhere_dies_with_its_lease():
    job = jobs.job_create(FULL, now=NOW)
    jobs.job_claim(job.uuid, worker=ProcessIdentity("elsewhere", 1, "7"), now=NOW)
    assert jobs.job_reap(now=NOW + jobs.LEASE) == []
    assert jobs.job_reap(now=NOW + jobs.LEASE + timedelta(seconds=1)) == [job.uuid]
    job.refresh_from_db()
    assert "lease expired" in job.error_message


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
def test_the_death_of_a_started_process_is_noted(state):
    job = jobs.job_create(FULL, now=NOW)
    if state == "RUNNING":
        jobs.job_claim(job.uuid, worker=own_identity(), now=NOW)
    pid = own_identity().pid
    assert reaping.job_fail_dead(job.uuid, pid=pid, reason="killed by signal 9", now=NOW)
    assert not reaping.job_fail_dead(job.uuid, pid=pid, reason="again", now=NOW)
    job.refresh_from_db()
    assert (job.status, job.error_message) == (JobStatus.FAILED, "killed by signal 9")


def test_the_death_of_another_process_is_not_this_jobs():
    claim = claimed()
    assert not reaping.job_fail_dead(claim.job, pid=1, reason="killed by signal 9", now=NOW)
    assert row(claim).status == JobStatus.RUNNING
