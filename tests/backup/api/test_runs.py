"""Backups started over HTTP, on a real server, and run by a real agent."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest
from tests.backup.testing.serving import Server, serving, token_of, wait_until
from tests.backup.testing.stored_backup import ROOT

from apps.backup.models import BackupJob


@pytest.fixture
def served(edms):
    edms.have_repository()
    edms.run("manage_backup_configs", "--install-production")
    with serving(edms, "uvicorn", token_of(edms, "root")) as server:
        yield server


def call(server: Server, method: str, address: str, **body: object):
    connection, answer = server.ask(
        address, method, {"Content-Type": "application/json"}, body=json.dumps(body).encode() if body else None
    )
    with contextlib.closing(connection):
        text = answer.read()
        return answer.status, json.loads(text) if text else None


def configuration(server: Server, name: str) -> str:
    _, page = call(server, "GET", f"configurations/?search={name}")
    return next(row["uuid"] for row in page["results"] if row["name"] == name)


def test_run_now_watched_to_its_end(served, edms):
    where = f"configurations/{configuration(served, 'production_pre_deployment')}/run-now/"
    status, started = call(served, "POST", where)
    assert (status, started["status"]) == (201, "started")
    assert "No agent or worker is running" in started["message"]
    assert set(started) == {"status", "job_id", "job_name", "message"}
    status, conflict = call(served, "POST", where)
    assert (status, conflict["status"], conflict["job_id"]) == (409, "conflict", started["job_id"])
    job = f"jobs/{started['job_id']}/"
    assert call(served, "GET", job)[1]["status"] == "PENDING"
    agent = edms.start("backup_agent")
    try:
        wait_until(lambda: call(served, "GET", job)[1]["status"] == "COMPLETED", seconds=60)
    finally:
        agent.terminate()
        agent.communicate(timeout=30)
    done = call(served, "GET", job)[1]
    assert (done["trust"], done["trigger"], done["triggered_by"]) == ("VERIFIED", "API", "root")
    assert done["duration_seconds"] > 0
    assert done["manifest"]["files"]["media"]["files"] == 5
    assert "COMPLETED." in [line["text"] for line in done["log"]]
    assert call(served, "POST", where)[0] == 201


def test_of_many_who_ask_at_once_one_is_given_a_job(served, edms):
    where = f"configurations/{configuration(served, 'production_pre_deployment')}/run-now/"
    answers: list[int] = []
    askers = [threading.Thread(target=lambda: answers.append(call(served, "POST", where)[0])) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]
    assert edms.rows("SELECT count(*) FROM backup_backupjob") == [(1,)]
    ((job,),) = edms.rows("SELECT uuid FROM backup_backupjob")
    status, said = call(served, "POST", f"jobs/{job}/cancel/", reason="not now")
    assert (status, said["status"]) == (202, "CANCELLED")
    assert call(served, "POST", f"jobs/{job}/cancel/")[0] == 409
    report = edms.json("backup_audit", "--verify")
    assert report["findings"] == []


@pytest.mark.django_db
def test_impossible_runs_are_refused_before_writing(admin, settings, monkeypatch):
    settings.BACKUP_EXECUTOR = "inline"
    monkeypatch.delenv("BACKUP_PASSWORD")
    made = admin.post(f"{ROOT}configurations/", {"name": "x"}, "json").json()
    answer = admin.post(f"{ROOT}configurations/{made['uuid']}/run-now/")
    assert answer.status_code == 503
    assert "passphrase" in answer.json()["detail"]
    assert BackupJob.objects.count() == 0


@pytest.mark.django_db
def test_a_pinned_backup(admin):
    job = BackupJob.objects.create(job_name="x", backup_type="FULL", status="COMPLETED", snapshot_id="ab" * 32)
    where = f"{ROOT}jobs/{job.uuid}/pin/"
    pinned = admin.post(where, {"reason": "audit of 2026"}, "json")
    assert (pinned.status_code, pinned.json()["is_pinned"], pinned.json()["pin_reason"]) == (200, True, "audit of 2026")
    assert admin.delete(where).status_code == 204
    assert admin.get(f"{ROOT}jobs/", {"is_pinned": "true"}).json()["results"] == []
