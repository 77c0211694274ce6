"""Never plain green while something is wrong: command, API and page say how much, and what."""

from __future__ import annotations

import json

from tests.backup.testing.asking import ask
from tests.backup.testing.edms import Edms

UNTIL = "2027-03-31"


def dangling(edms: Edms) -> None:
    """A row that names a file which is not there."""
    papers = (edms.media / "papers").rename(edms.home / "papers")
    edms.run("import_documents", str(papers))
    next(path for path in edms.media.rglob("*") if path.is_file()).unlink()


def test_open_warnings_are_counted_and_named_where_all_is_protected(protected: Edms):
    found = ask(protected)
    assert found.state == "PROTECTED"
    assert found.open
    assert f"; {len(found.open)} warning" in found.reason
    assert f"PROTECTED with {len(found.open)} warning" in found.summary
    assert found.exit_code == 1


def test_a_schedule_whose_latest_run_failed_is_no_plain_green(protected: Edms):
    protected.run("trigger_backup", "--config", "nightly", expect=None, BACKUP_PASSWORD="wrong")
    found = ask(protected)
    assert (found.state, found.findings["backup.W036"]) == ("PROTECTED", "WARNING")
    assert any("is FAILED" in one for one in found.open)
    protected.run("trigger_backup", "--config", "nightly")
    assert "backup.W036" not in ask(protected).findings


def test_why_nothing_is_good_is_said(edms: Edms):
    dangling(edms)
    told = edms.json("trigger_backup", "--type", "FULL", expect=3)
    found = ask(edms)
    assert (found.state, found.exit_code) == ("UNPROTECTED", 2)
    assert "is INCOMPLETE: 1 problems" in found.reason
    assert "was not captured" in found.summary
    assert told["job"][:8] in found.hints["backup.W036"]


def test_a_person_acknowledges_named_problems_and_new_ones_are_open(protected: Edms):
    dangling(protected)
    job = protected.json("trigger_backup", "--config", "nightly", expect=3)["job"]
    before = ask(protected)
    assert "backup.W036" in before.findings
    word = ("--reason", "lost in 2019", "--until", UNTIL)
    protected.run("backup_health", "--acknowledge", job[:8], expect=2)
    assert protected.json("backup_health", "--acknowledge", job[:8], *word, "--dry-run")["dry_run"]
    assert "backup.W036" in ask(protected).findings
    made = protected.json("backup_health", "--acknowledge", job[:8], *word)["acknowledgements"]
    assert [(one["kind"], one["why"]) for one in made] == [("problem", "lost in 2019")]
    after = ask(protected)
    assert "backup.W036" not in after.findings
    assert after.last_good["nightly"]["uuid"] == job
    # The next one has the same problem, and counts as good at once.
    again = protected.json("trigger_backup", "--config", "nightly", expect=3)["job"]
    assert ask(protected).last_good["nightly"]["uuid"] == again
    assert protected.json("backup_health", "--acknowledged")["acknowledgements"] == made
    # Another file is missing: that is not acknowledged.
    next(path for path in protected.media.rglob("*") if path.is_file()).unlink()
    protected.run("trigger_backup", "--config", "nightly", expect=3)
    found = ask(protected)
    assert "backup.W036" in found.findings
    assert found.last_good["nightly"]["uuid"] == again
    protected.run("backup_health", "--withdraw", made[0]["uuid"])
    assert ask(protected).last_good["nightly"]["uuid"] not in {job, again}
    events = protected.rows("SELECT action FROM backup_auditevent WHERE object_type = 'acknowledgement'")
    assert events == [("acknowledgement.create",), ("acknowledgement.withdraw",)]


def test_missing_space_is_found_before_the_backup(protected: Edms):
    protected.write("UPDATE backup_backupjob SET stored_size = 9000000000000000")
    found = ask(protected)
    assert found.state == "AT_RISK"
    assert found.findings["backup.W037"] == "CRITICAL"
    assert any("stored 8381903 GiB" in one for one in found.open)


def test_a_schedule_that_holds_less_is_a_risk_at_once(protected: Edms):
    protected.write("UPDATE backup_backupconfiguration SET backup_type = 'DATABASE'")
    found = ask(protected)
    assert (found.state, found.findings["backup.W038"]) == ("AT_RISK", "CRITICAL")
    protected.write("UPDATE backup_backupconfiguration SET backup_type = 'FULL', exclude = '[\"files/*\"]'")
    protected.run("trigger_backup", "--config", "nightly")
    found = ask(protected)
    assert (found.state, found.findings["backup.W038"]) == ("AT_RISK", "CRITICAL")


def test_rows_that_name_files_which_no_backup_holds_are_a_risk(protected: Edms):
    papers = (protected.media / "papers").rename(protected.home / "papers")
    protected.run("import_documents", str(papers))
    protected.write("UPDATE backup_backupconfiguration SET exclude = ?", json.dumps(["*.bin"]))
    protected.run("trigger_backup", "--config", "nightly")
    found = ask(protected)
    assert (found.state, found.findings["backup.W039"]) == ("AT_RISK", "CRITICAL")
    # A schedule of files alone compares no rows: its patterns are no proof of the contrary.
    more = ("--type", "FILES", "--frequency", "DAILY", "--time", "03:00")
    protected.run("manage_backup_configs", "--create", "--name", "files", *more)
    protected.write("UPDATE backup_backupconfiguration SET exclude = ? WHERE name = 'files'", json.dumps(["*.bin"]))
    protected.run("trigger_backup", "--config", "files")
    assert ask(protected).findings["backup.W039"] == "CRITICAL"
    protected.write("UPDATE backup_backupconfiguration SET exclude = '[]' WHERE name = 'files'")
    protected.run("trigger_backup", "--config", "files")
    assert "backup.W039" not in ask(protected).findings
