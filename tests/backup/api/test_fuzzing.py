"""Schemathesis: the whole API against its own document, on a real server.

`make fuzz` does all that it can, as a user with all rights, as users with each right by itself, with none, and
anonymously; that takes long. Here are a few examples of everything; each right with every address is `test_attacks`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.serving import serving, token_of

from apps.backup.core.permissions import Right

TESTING = Path(__file__).parents[1] / "testing"
THOROUGH = bool(os.environ.get("FUZZ_THOROUGHLY"))
PEOPLE = ["all", "none", "anonymous", *(right.permission for right in Right)]
TOKEN = """
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token
user = User.objects.create_user({name!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(content_type__app_label="backup", codename={codename!r}))
print(Token.objects.create(user=user).key)
"""
# A valid request may be refused for reasons that a schema does not know: a weekly schedule needs a day. Credentials
# beside a valid token are ignored.
NOT_MEANT = "positive_data_acceptance,ignored_auth"
# A request that breaks the document may also be too large.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, "5xx"]
"""
WIDEST = 400
"""Characters of a line of what Schemathesis says: it shows bodies of a megabyte."""


@pytest.fixture(scope="module")
def served(migrated_home, tmp_path_factory):
    """A server, and of every person the token. No executor runs the requests."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("fuzzed") / "home")
    edms.have_repository()
    edms.environment |= {"DJANGO_SETTINGS_MODULE": "fuzzed_settings", "PYTHONPATH": str(TESTING / "projects" / "api")}
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
        (document.parent / "schemathesis.toml").write_text(SETTINGS)
        yield server, tokens, document


def fuzz(served, person: str, *options: str) -> None:
    server, tokens, document = served
    header = ["--header", f"Authorization: Token {tokens[person]}"] if person in tokens else []
    address = f"http://127.0.0.1:{server.port}/api/v1/backup/"
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", address, *header, *options],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TESTING),
            "SCHEMATHESIS_HOOKS": "fuzz_hooks",
            "FUZZED_RIGHT": person,
        },
        cwd=document.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
    )
    said = "\n".join(line[:WIDEST] for line in done.stdout.splitlines())
    assert done.returncode == 0, said[-20_000:] + done.stderr[-2000:]


def test_as_somebody_who_may_do_everything(served):
    more = ["--max-examples", "20"] if THOROUGH else ["--phases", "fuzzing,stateful", "--max-examples", "2"]
    fuzz(served, "all", *more, "--seed", "1", "--exclude-checks", NOT_MEANT)


@pytest.mark.parametrize("person", PEOPLE[1:] if THOROUGH else ["anonymous", Right.VIEW.permission])
def test_fuzzed_requests_without_the_right_are_refused(served, person):
    checks = "not_a_server_error,status_code_conformance,nobody_is_answered_without_the_right"
    more = "coverage,fuzzing,stateful" if THOROUGH else "fuzzing"
    fuzz(
        served, person, "--phases", more, "--max-examples", "3" if THOROUGH else "1", "--seed", "1", "--checks", checks
    )
