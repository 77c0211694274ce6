"""Whatever an examiner meets with is a finding of its own: the others still report, and there is no traceback."""

from __future__ import annotations

import json

from tests.backup.testing.asking import ask
from tests.backup.testing.edms import Edms


def test_a_broker_whose_address_celery_refuses_is_a_finding(edms: Edms):
    # An error of a kind that no examiner foresees.
    edms.environment |= {"BACKUP_EXECUTOR": "celery", "CELERY_BROKER_URL": "no.transport://localhost/"}
    answer = ask(edms)
    assert answer.exit_code == 3
    assert answer.findings["backup.W029"] == "UNKNOWN"
    # The others have looked all the same.
    assert {"backup.W006", "backup.W014"} & set(answer.findings)
    assert answer.state == "UNPROTECTED"
    checked = edms.run("check", "--deploy", "--tag", "backup", expect=None)
    assert "backup.W029" in checked.stderr
    assert "Traceback" not in checked.stderr
    assert checked.returncode == 0


def test_a_health_command_that_fails_as_a_whole_says_so_to_a_monitor(edms: Edms):
    edms.write("ALTER TABLE backup_backupconfiguration RENAME COLUMN frequency TO rhythm")
    done = edms.run("backup_health", "--json", expect=3)
    assert json.loads(done.stdout)["status"] == "UNKNOWN"
    edms.write("ALTER TABLE backup_backupconfiguration RENAME COLUMN rhythm TO frequency")
    edms.run("manage_backup_configs", "--create", "--name", "nightly")
    # A row that no code can read.
    edms.write("UPDATE backup_backupconfiguration SET updated_at = '2026-13-45 00:00:00'")
    done = edms.run("backup_health", expect=3)
    assert done.stdout.startswith("BACKUP UNKNOWN: ValueError: ")
    assert "Traceback" not in done.stderr
