"""The page says what the command and the API say, for each state: it is drawn from the API's real answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.backup.testing.edms import PASSPHRASE, Edms

FRONTEND = Path(__file__).resolve().parents[3] / "frontend"

_ASK = """
import io, json
from contextlib import redirect_stdout
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework.test import APIClient
settings.BACKUP_API_RATES = {"read": None}
told = io.StringIO()
with redirect_stdout(told):
    try:
        call_command("backup_health", "--json", stdout=told)
    except SystemExit as ended:
        assert ended.code
user, _ = User.objects.get_or_create(username="asking", is_superuser=True, is_staff=True)
client = APIClient(HTTP_HOST="localhost")
client.force_authenticate(user)
paths = {"status": "system/status/", "findings": "system/findings/"}
answers = {name: json.loads(client.get("/api/v1/backup/" + path).content) for name, path in paths.items()}
print(json.dumps({"command": json.loads(told.getvalue()), **answers}))
"""

_ACKNOWLEDGE = """
from datetime import timedelta
from django.utils import timezone
from apps.backup.doctor.health import examine
from apps.backup.services.acknowledgements import findings_acknowledge
now = timezone.now()
keys = [one.key() for one in examine(now=now).findings]
findings_acknowledge(keys, why="a test", until=now + timedelta(days=1), now=now)
"""

HEADINGS = {
    "AT_RISK": "Not fully. The documents are at risk.",
    "UNPROTECTED": "No. The documents are not protected.",
}


def lost_pack(edms: Edms) -> None:
    packs = [path for path in (edms.storage / "repository" / "data").rglob("*") if path.is_file()]
    max(packs, key=lambda path: path.stat().st_size).unlink()


def failed_run(edms: Edms) -> None:
    edms.write("UPDATE backup_backupjob SET status = 'FAILED', error_message = 'The disk was full.', snapshot_id = ''")


def incomplete_run(edms: Edms) -> None:
    problems = json.dumps([{"path": "media/a.pdf", "reason": "It is not there."}])
    edms.write("UPDATE backup_backupjob SET status = 'INCOMPLETE', problem_count = 1, problems = ?", problems)


def acknowledged(edms: Edms) -> None:
    """Each warning that is open on this machine."""
    edms.run("shell", "-v0", "-c", _ACKNOWLEDGE)


def unforeseen(edms: Edms) -> None:
    edms.environment |= {"BACKUP_EXECUTOR": "celery", "CELERY_BROKER_URL": "no.such.transport://localhost/"}


STATES: dict[str, tuple[str, Callable[[Edms], object]]] = {
    "protected": ("PROTECTED", lambda edms: None),
    "acknowledged": ("PROTECTED", acknowledged),
    "gone": ("UNPROTECTED", lambda edms: shutil.rmtree(edms.storage)),
    "lost pack": ("UNPROTECTED", lost_pack),
    "wrong passphrase": ("AT_RISK", lambda edms: edms.environment.update(BACKUP_PASSWORD="a wrong one")),
    "failed run": ("UNPROTECTED", failed_run),
    "incomplete run": ("UNPROTECTED", incomplete_run),
    "unforeseen": ("AT_RISK", unforeseen),
}


def test_the_page_says_what_the_command_says(protected_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    told = {}
    for name, (_, harm) in STATES.items():
        shutil.copytree(protected_home, tmp_path / name)
        edms = Edms(tmp_path / name, {"BACKUP_PASSWORD": PASSPHRASE})
        harm(edms)
        answers = json.loads(edms.run("shell", "-v0", "-c", _ASK).stdout.splitlines()[-1])
        told[name] = answers["command"]
        (folder / name).mkdir(parents=True)
        (folder / name / "answers.json").write_text(json.dumps(answers))
    done = subprocess.run(
        ["node_modules/.bin/vitest", "run", "--config", "answers/vitest.config.ts"],
        cwd=FRONTEND,
        env={**os.environ, "ANSWERS": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    for name, (state, _) in STATES.items():
        assert told[name]["verdict"]["state"] == state, name
        compare(told[name], json.loads((folder / name / "page.json").read_text()))


def compare(told: dict, page: dict) -> None:
    """The state, the number of warnings, the reason, and each finding with what it says and what to do."""
    verdict, findings = told["verdict"], told["findings"]
    count = len(findings)
    warned = f"Yes, with {count} warning{'s' if count > 1 else ''}" if count else "Yes. The documents are safe."
    assert page["heading"].split(" ", 1)[1] == HEADINGS.get(verdict["state"], warned)
    assert plain(verdict["reason"]) in page["text"]
    assert plain(verdict["next_step"] or "") in page["text"]
    # The findings stand beside the answer, so that it does not list them once more.
    assert page["open"] == []
    shown = [[one["severity"].upper(), *one["lines"]] for one in page["findings"]]
    assert shown[:count] == [
        [
            one["severity"],
            one["subject"],
            one["id"],
            plain(one["what"]),
            one["why"],
            f"What to do: {plain(one['hint'])}",
        ]
        for one in findings
    ]
    known = [f"Acknowledged: {one['subject']}: {one['what']}" for one in told["acknowledged"]]
    assert [lines[1] for lines in shown[count:]] == known


def plain(text: str) -> str:
    """As the page has it: what stands between backticks is a command there."""
    return text.replace("`", "")
