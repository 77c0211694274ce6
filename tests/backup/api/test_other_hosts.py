"""The same API in a host whose settings for its own API are of another kind."""

from __future__ import annotations

import json
import os
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.backup.conftest import BACKEND

from apps.backup.api.schema import document

ASK = """
import json
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("root"))
def ask(address, **more):
    method = client.post if more else client.get
    answer = method("/api/v1/backup/" + address, content_type="application/json", **more)
    said = json.loads(answer.content) if "json" in answer["Content-Type"] else answer.content.decode()
    return [answer.status_code, said]
whole = "configurations/?search=production_daily_full"
addresses = ["system/status/", whole, "jobs/", "system/audit/", "schema/", "system/events/", "docs/"]
found = {address.partition("?")[0]: ask(address) for address in addresses}
found["list"] = ask("configurations/", data=[1])
for when in ("2020-01-01T00:00:00Z", "{queued}", "01.01.2020"):
    when = when.format(queued=found["jobs/"][1]["results"][0]["queued_at"]).replace("+", "%2B")
    found.setdefault("since", []).append(ask("jobs/?queued_after=" + when))
print(json.dumps(found))
"""


@pytest.mark.parametrize("zones", ["1", "0"])
def test_its_settings_are_its_own(edms, zones):
    edms.environment |= {
        "DJANGO_ALLOWED_HOSTS": "testserver",
        "DJANGO_DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "other_api",
        "HOST_USE_TZ": zones,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "projects"), str(BACKEND)]),
    }
    edms.run("manage_backup_configs", "--install-production")
    assert " 02:00" in edms.run("manage_backup_configs", "--next").stdout
    edms.run("trigger_backup", "--config", "production_database_hourly")
    assert "production_database_hourly" in edms.run("backup_prune", "--dry-run", "--all").stdout
    found = json.loads(edms.run("shell", "-v0", "-c", ASK).stdout)

    assert found["docs/"][0] == 404
    assert found["schema/"][1]["paths"].keys() == document()["paths"].keys()
    assert found["system/events/"][0] == 200
    assert found["list"][1]["errors"][0]["field"] == ""

    status, configurations = found["configurations/"]
    (daily,) = configurations["results"]
    assert (status, daily["schedule_time"]) == (200, "02:00:00")
    assert datetime.fromisoformat(daily["next_run"]).astimezone(ZoneInfo("Europe/Berlin")).time() == time(2)

    (job,) = found["jobs/"][1]["results"]
    assert type(job["backup_size"]) is int
    event = found["system/audit/"][1]["results"][0]
    told = found["system/status/"][1]["protection"]["examined_at"]
    for moment in (job["queued_at"], event["at"], daily["created_at"], told):
        assert moment[10] == "T", moment
        assert moment[-1] == "Z" or moment[-6:] in {"+01:00", "+02:00"}, moment

    before, same, wrong = found["since"]
    assert [before[0], same[0], wrong[0]] == [200, 200, 400]
    assert [len(before[1]["results"]), len(same[1]["results"])] == [1, 1]
