"""The compose file: valid by the specification's own schema, and nothing in it is open that could be closed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.containers.files import OURS, ROOT, SERVICES, compose, image_environment

FILE = compose()


def service(name: str) -> dict:
    return FILE["services"][name]


def test_it_is_valid():
    check = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, ROOT / "docker-compose.yml"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_have_the_names_that_people_type():
    assert tuple(FILE["services"]) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_nothing_that_it_need_not(name):
    chosen = service(name)
    assert chosen["cap_drop"] == ["ALL"]
    assert "cap_add" not in chosen
    assert "privileged" not in chosen
    assert chosen["security_opt"] == ["no-new-privileges:true"]
    assert chosen["read_only"] is True
    assert "/tmp" in chosen["tmpfs"]
    assert chosen["user"].split(":")[0] not in {"", "0", "root"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_watched_and_comes_back(name):
    chosen = service(name)
    assert chosen["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert chosen["restart"] == "unless-stopped"
    assert chosen["init"] is True
    assert chosen["logging"]["options"].keys() >= {"max-size", "max-file"}
    # Locks name the host: see the comment in the file.
    assert "hostname" not in chosen
    assert "container_name" not in chosen


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_one_image_in_different_roles(name):
    assert service(name)["image"] == "edms-backup"
    assert service(name)["command"] == [name]
    assert service(name)["healthcheck"]["test"] == ["CMD", "python", "/app/docker/healthcheck.py", name]


def test_only_the_web_server_is_published_and_only_here():
    assert {name for name in SERVICES if "ports" in service(name)} == {"backend"}
    assert all(port.startswith("127.0.0.1:") for port in service("backend")["ports"])
    assert FILE["networks"]["inside"] == {"internal": True}
    assert service("db")["networks"] == service("redis")["networks"] == ["inside"]


def test_nothing_starts_before_what_it_needs():
    assert service("backend")["depends_on"].keys() == {"db", "redis"}
    for name in ("celery_worker", "celery_beat"):
        assert service(name)["depends_on"].keys() == {"backend", "db", "redis"}
    conditions = {one["condition"] for name in OURS for one in service(name)["depends_on"].values()}
    assert conditions == {"service_healthy"}


def test_secrets_are_files_and_nothing_else():
    for name in SERVICES:
        chosen = service(name)
        for variable, value in chosen.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|PASSPHRASE|TOKEN|_KEY", variable):
                assert variable.endswith("_FILE"), variable
                secret = value.removeprefix("/run/secrets/")
                assert secret in chosen["secrets"], variable
            # An address without a password in it.
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), variable
    mounted = {secret for name in SERVICES for secret in service(name).get("secrets", [])}
    assert mounted == set(FILE["secrets"])
    assert {text["file"] for text in FILE["secrets"].values()} == {f"secrets/{name}" for name in mounted}
    # The database's server sees its own file alone, the broker none.
    assert service("db")["secrets"] == ["database_password_server"]
    assert "secrets" not in service("redis")


def test_database_documents_and_backups_lie_apart():
    mounts = {name: dict(text.split(":") for text in service(name).get("volumes", [])) for name in SERVICES}
    assert mounts["db"] == {"database": "/var/lib/postgresql/data"}
    home, storage = image_environment()["EDMS_HOME"], image_environment()["BACKUP_STORAGE_ROOT"]
    for name in OURS:
        assert mounts[name] == {"documents": home, "backups": storage}
    assert not Path(storage).is_relative_to(home)
    assert not Path(home).is_relative_to(storage)
    assert set(FILE["volumes"]) == {"database", "documents", "backups"}


def test_a_running_job_has_time_to_stop():
    worker = service("celery_worker")
    # Celery stops running tasks at SIGQUIT; at SIGTERM it would wait for them, and be killed with them in the end.
    assert worker["stop_signal"] == "SIGQUIT"
    assert worker["stop_grace_period"] == "2m"


def test_names_and_ports_come_from_the_shell():
    chosen = compose(DJANGO_ALLOWED_HOSTS="edms.example.org", EDMS_PORT="8080", EDMS_TIME_ZONE="Europe/Vienna")
    backend = chosen["services"]["backend"]
    assert backend["environment"]["DJANGO_ALLOWED_HOSTS"] == "edms.example.org"
    assert backend["environment"]["EDMS_TIME_ZONE"] == "Europe/Vienna"
    assert backend["ports"] == ["127.0.0.1:8080:8000"]
