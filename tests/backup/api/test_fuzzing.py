"""Schemathesis: the whole API against its own document, on a real server.

Every phase as somebody who may do everything; as the others, that nobody is answered who has not the right. `make fuzz`
does all of it, for all of them, with many more examples.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.api.serving import serving, token_of
from tests.backup.conftest import Edms

from apps.backup.rights import Right

HERE = Path(__file__).parent
THOROUGH = bool(os.environ.get("FUZZ_THOROUGHLY"))
PEOPLE = ["all", "none", "anonymous", *(right.permission for right in Right)]
TOKEN = """
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token
user = User.objects.create_user({name!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(content_type__app_label="backup", codename={codename!r}))
print(Token.objects.create(user=user).key)
"""
# What is valid may be refused for reasons that a schema does not know: a weekly schedule needs a day. And what is sent
# beside a valid token is not looked at.
NOT_MEANT = "positive_data_acceptance,ignored_auth"


@pytest.fixture(scope="module")
def served(migrated_home, tmp_path_factory):
    """A server, and of every person the token. Nobody runs what is asked for."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("fuzzed") / "home")
    edms.have_repository()
    edms.environment |= {"DJANGO_SETTINGS_MODULE": "fuzzed_settings", "PYTHONPATH": str(HERE / "projects")}
    edms.run("manage_backup_configs", "--install-production")
    edms.run("trigger_backup", "--config", "production_pre_deployment")
    edms.run("trigger_backup", "--type", "EXPORT")
    tokens = {"all": token_of(edms, "all")}
    for person in PEOPLE:
        if person not in {"all", "anonymous"}:
            code = TOKEN.format(name=person, codename=person.removeprefix("backup."))
            tokens[person] = edms.run("shell", "-v0", "-c", code).stdout.strip()
    with serving(edms, "uvicorn", tokens["all"]) as server:
        document = tmp_path_factory.mktemp("document") / "openapi.json"
        status, _, text = server.get("schema/")
        assert status == 200
        document.write_text(json.dumps(json.loads(text)))
        yield server, tokens, document


def fuzz(served, person: str, *options: str) -> None:
    server, tokens, document = served
    header = ["--header", f"Authorization: Token {tokens[person]}"] if person in tokens else []
    address = f"http://127.0.0.1:{server.port}/api/v1/backup/"
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", address, *header, *options],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE),
            "SCHEMATHESIS_HOOKS": "fuzz_hooks",
            "FUZZED_RIGHT": person,
        },
        cwd=document.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_as_somebody_who_may_do_everything(served):
    examples = "50" if THOROUGH else "2"
    fuzz(served, "all", "--max-examples", examples, "--seed", "1", "--exclude-checks", NOT_MEANT)


@pytest.mark.parametrize("person", PEOPLE[1:])
def test_nobody_is_answered_without_the_right(served, person):
    checks = "not_a_server_error,status_code_conformance,nobody_is_answered_without_the_right"
    phases = "coverage,fuzzing,stateful" if THOROUGH else "fuzzing"
    fuzz(
        served,
        person,
        "--phases",
        phases,
        "--max-examples",
        "5" if THOROUGH else "1",
        "--seed",
        "1",
        "--checks",
        checks,
    )
