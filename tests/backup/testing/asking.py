"""One question to all that answer it: the command, the API, and what the page is made from."""

from __future__ import annotations

import dataclasses
import json

from tests.backup.testing.edms import Edms

_ASK = """
import json
from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.test import APIClient
settings.BACKUP_API_RATES = {"read": None}
user, _ = User.objects.get_or_create(username="asking", is_superuser=True, is_staff=True)
client = APIClient(HTTP_HOST="localhost")
client.force_authenticate(user)
paths = {"status": "system/status/", "findings": "system/findings/", "configurations": "configurations/"}
paths["jobs"] = "jobs/"
answers = {name: client.get("/api/v1/backup/" + path) for name, path in paths.items()}
print(json.dumps({name: [answer.status_code, json.loads(answer.content)] for name, answer in answers.items()}))
"""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Return the answers of all of them: the verdict, and the findings by id with their severity."""

    state: str
    reason: str
    exit_code: int
    findings: dict[str, str]
    hints: dict[str, str]
    last_good: dict[str, object]
    missing: set[str]
    """Return what lists of jobs say of backups that the storage does not hold."""
    open: list[str]
    summary: str


def ask(edms: Edms, **changes: str | None) -> Answer:
    """The answer to whether all is well; every way to ask gives the same."""
    command = edms.run("backup_health", "--json", expect=None, **changes)
    told = json.loads(command.stdout)
    assert "Traceback" not in command.stderr
    answers = json.loads(edms.run("shell", "-v0", "-c", _ASK, **changes).stdout.splitlines()[-1])
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(answers, 200)
    status, findings = answers["status"][1], answers["findings"][1]
    seen = {one["id"]: one["severity"] for one in findings["findings"]}
    assert seen == {one["id"]: one["severity"] for one in told["findings"]}
    assert (status["protection"]["state"], findings["severity"]) == (told["verdict"]["state"], told["status"])
    for part in ("reason", "warnings", "open"):
        assert status["protection"][part] == told["verdict"][part]
    assert len(told["verdict"]["open"]) == told["verdict"]["warnings"] == len(told["findings"])
    assert command.returncode == {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}[findings["severity"]]
    fresh = {one["name"]: one["last_good_at"] for one in status["freshness"]}
    listed = {one["name"]: one["last_good"] for one in answers["configurations"][1]["results"]}
    assert {name for name, at in fresh.items() if at} == {name for name, job in listed.items() if job and name in fresh}
    return Answer(
        told["verdict"]["state"],
        told["verdict"]["reason"],
        command.returncode,
        seen,
        {one["id"]: one["hint"] for one in told["findings"]},
        listed,
        {job["missing"] for job in answers["jobs"][1]["results"] if job["has_backup"]},
        told["verdict"]["open"],
        told["summary"],
    )
