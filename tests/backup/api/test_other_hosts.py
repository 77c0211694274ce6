"""The same API in a host whose settings for its own API are of another kind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.backup.testing.edms import BACKEND, PASSPHRASE

from apps.backup.api.openapi_document import document

pytestmark = pytest.mark.slow

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
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1] / "testing" / "projects" / "api"), str(BACKEND)]),
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


SETTINGS = """
from pathlib import Path
HOME = Path(__file__).parent
SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF = "x" * 50, ["testserver"], "own_urls"
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")),
    "rest_framework",
    "edms_backup",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
processors = ["template.context_processors.request", "contrib.auth.context_processors.auth"]
processors += ["contrib.messages.context_processors.messages"]
options = {"context_processors": [f"django.{name}" for name in processors]}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": options}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "own.sqlite3"}}
USE_TZ, STATIC_URL, MEDIA_ROOT, BACKUP_STORAGE_ROOT = True, "static/", HOME / "media", HOME / "backups"
"""
URLS = """
from django.contrib import admin
from django.urls import include, path
urlpatterns = [
    path("admin/", admin.site.urls),
    path("ops/api/", include("edms_backup.api.urls")),
    path("ops/backups/", include("edms_backup.console.urls")),
]
"""
LOOK = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("root"))
print(client.get("/ops/api/configurations/").json()["results"], client.get("/ops/backups/").status_code)
print('<a href="/ops/backups/">' in client.get("/admin/backup/backupjob/").content.decode())
"""


def test_the_wheel_goes_beside_an_apps_package_of_the_host(tmp_path):
    """Install the content of the wheel, under its names there, in a project that has adopted nothing of ours."""
    wheel = tomllib.loads((BACKEND.parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, name in wheel["sources"].items():
        (tmp_path / name).symlink_to(BACKEND.parent / source)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps/__init__.py").touch()
    (tmp_path / "own_settings.py").write_text(SETTINGS)
    (tmp_path / "own_urls.py").write_text(URLS)
    (tmp_path / "media").mkdir()
    environment = {"PATH": os.environ["PATH"], "BACKUP_PASSWORD": PASSPHRASE, "DJANGO_SETTINGS_MODULE": "own_settings"}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "django", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    run("migrate", "-v0")
    assert "COMPLETED" in run("trigger_backup", "--type", "FULL")
    shown, linked = run("shell", "-c", LOOK).splitlines()[-2:]
    # Where the console has not been built, its page says so.
    assert shown in {"[] 200", "[] 503"}
    assert linked == "True"


SIGNED = """
import io, json
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
User.objects.create_superuser("root", password="root")
client = Client(headers={"host": "localhost"})
def post(where, token="", **body):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.post(where, json.dumps(body), content_type="application/json", headers=headers)
    return answer.status_code, answer.json()
_, tokens = post("/api/token/", username="root", password="root")
signed = {"Authorization": "Bearer " + tokens["access"]}
call_command("trigger_backup", "--type", "FULL", stdout=io.StringIO())
jobs = "/api/v1/backup/jobs/"
(job,) = client.get(jobs, headers=signed).json()["results"]
download = f"{jobs}{job['uuid']}/download/"
_, ticket = post(download, tokens["access"], path="manifest.json")
link = {"path": "manifest.json", "ticket": ticket["ticket"]}
found = [
    client.get(jobs).status_code,
    client.get(jobs, headers={"Authorization": "Bearer x.y.z"}).status_code,
    client.get(download, link).status_code,
    client.get("/api/v1/backup/system/events/", headers=signed).content.startswith(b"retry"),
]
status, tokens = post("/api/token/refresh/", refresh=tokens["refresh"])
restore = ["restore_backup", "latest", "--yes", "--drop-access", "--no-safety-backup"]
call_command(*restore, stdout=io.StringIO(), stderr=io.StringIO())
# The one that was given out before the backup, and the one that came since.
print(json.dumps([*found, status, post("/api/token/refresh/", refresh=tokens["refresh"])[0]]))
"""
EXAMPLE = BACKEND.parent / "docs/examples/simplejwt"


def test_a_project_that_signs_tokens_and_has_no_sessions(tmp_path):
    """The example of docs/reference/console.md, with the real package."""
    wheel = tomllib.loads((BACKEND.parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, name in wheel["sources"].items():
        (tmp_path / name).symlink_to(BACKEND.parent / source)
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "media").mkdir()
    environment = {"PATH": os.environ["PATH"], "BACKUP_PASSWORD": PASSPHRASE, "DJANGO_SETTINGS_MODULE": "settings"}
    environment["DJANGO_SECRET_KEY"] = "x" * 50

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "django", *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    run("migrate", "-v0")
    assert json.loads(run("shell", "-v0", "-c", SIGNED).splitlines()[-1]) == [401, 401, 200, True, 200, 401]


REPLICATED = """
from config.settings import *
ALLOWED_HOSTS, DATABASE_ROUTERS = ["testserver"], ["replicated.Router"]
DATABASES["replica"] = {**DATABASES["default"], "NAME": EDMS_HOME / "replica", "TEST": {"MIRROR": "default"}}

class Router:
    def db_for_read(self, model, **_hints):
        return "replica" if model._meta.app_label in {"backup", "django_celery_beat"} else None

    def db_for_write(self, model, **_hints):
        return "default"
"""
ACT = """
import json
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("root"))
def post(address, **fields):
    answer = client.post("/api/v1/backup/" + address, json.dumps(fields), content_type="application/json")
    return [answer.status_code, answer.json()]
(job,) = client.get("/api/v1/backup/jobs/").json()["results"]
(daily,) = client.get("/api/v1/backup/configurations/?search=daily").json()["results"]
begun = post("restores/", backup=job["uuid"], target="live", confirm=job["job_name"])
restore = begun[1]["restore"]["uuid"]
listed = client.get("/api/v1/backup/restores/").json()["results"]
cancelled = post("restores/" + restore + "/cancel/")
runs = [post("configurations/" + daily["uuid"] + "/run-now/")[0] for _ in range(2)]
gone = client.delete("/api/v1/backup/configurations/" + daily["uuid"] + "/").status_code
post("restores/", backup=job["uuid"], target="folder", name="taken")
print(json.dumps([begun[0], [row["uuid"] == restore for row in listed], cancelled[0], runs, gone]))
"""


def test_nothing_of_ours_is_read_from_a_replica_that_is_behind(edms, tmp_path):
    """Routers send each read to a replica, as those in Django's documentation do; it has nothing of ours yet."""
    (tmp_path / "replicated.py").write_text(REPLICATED)
    shutil.copy(edms.database, edms.home / "replica")
    edms.have_repository()
    edms.environment |= {
        "DJANGO_SETTINGS_MODULE": "replicated",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(BACKEND)]),
    }
    edms.run("manage_backup_configs", "--install-production")
    edms.run("manage_backup_configs", "--edit", "production_daily_full", "--time", "05:10")
    rows = "SELECT minute, hour FROM django_celery_beat_periodictask t JOIN django_celery_beat_crontabschedule c"
    assert edms.rows(f"{rows} ON c.id = t.crontab_id WHERE t.name = 'backup-daily-full'") == [("10", "5")]
    edms.run("trigger_backup", "--type", "DATABASE")
    said = json.loads(edms.run("shell", "-v0", "-c", ACT).stdout)
    assert said == [201, [True], 202, [201, 409], 204]
    edms.run("backup_run_due")
    assert edms.rows("SELECT status FROM backup_restorejob ORDER BY id") == [("CANCELLED",), ("COMPLETED",)]
