"""Files outside of all file roots are reported to the administrator of a host."""

from __future__ import annotations

import json
import re

import pytest

NAMED = '{"hostproject.Everything.char": "@"}'


def have_outside(host, folder):
    """40 of its 60 rows name files in a folder of their own."""
    folder.mkdir()
    for number in range(40):
        (folder / f"scan-{number}.pdf").write_text(str(number))
    table = "hostproject_everything"
    statement = (
        f"UPDATE {table} SET char = CASE WHEN id IN (SELECT id FROM {table} ORDER BY id LIMIT 40)"
        f" THEN '{folder}/scan-' || (id % 40) || '.pdf' ELSE '' END"
    )
    host.write(statement)


def test_a_host_whose_documents_lie_outside_is_told(sqlite_host, tmp_path):
    """Two thirds of its documents are in no backup: it is not protected, and every message names the setting."""
    host, folder = sqlite_host, tmp_path / "archive"
    have_outside(host, folder)
    host.run("manage_backup_configs", "--create", "--name", "nightly", "--frequency", "DAILY", "--time", "02:00")
    host.run("backup_run_due", expect=None)

    backup = host.json("trigger_backup", "--config", "nightly")

    assert backup["status"] == "COMPLETED"
    assert [note for note in backup["warnings"] if "hostproject.Everything.char names files in no file root" in note]
    for options in ((), ("--deep",)):
        health = host.json("backup_health", *options, expect=2)
        assert health["not_backed_up"] == []
        (found,) = [one for one in health["findings"] if one["id"] == "backup.W043"]
        assert (found["severity"], found["subject"]) == ("CRITICAL", "hostproject.Everything.char")
        assert f'`BACKUP_FILE_ROOTS = {{"archive": "{folder}"}}`' in found["hint"]
        assert (health["verdict"]["state"], "hostproject.Everything.char" in health["verdict"]["reason"]) == (
            "AT_RISK",
            True,
        )
    compared = host.json("backup_health", "--deep", expect=2, HOST_REFERENCE_FIELDS=NAMED.replace("@", str(folder)))
    assert "backup.W043" in {one["id"] for one in compared["findings"]}
    (fields,) = re.findall(r"BACKUP_REFERENCE_FIELDS = ({.*?})`", found["hint"])
    assert json.loads(fields.replace("None", "null")) == {
        "hostproject.Everything.path_text": None,
        "hostproject.Everything.char": str(folder),
    }

    # The setting is pasted: the finding ends, and the next backup holds and compares them.
    named = {"HOST_REFERENCE_FIELDS": fields.replace("None", "null"), "HOST_EXTRA_ROOT": str(folder)}
    later = {one["id"] for one in host.json("backup_health", "--deep", expect=2, **named)["findings"]}
    assert ("backup.W043" in later, "backup.W038" in later) == (False, True)
    whole = host.json("trigger_backup", "--config", "nightly", **named)
    assert (whole["status"], whole["warnings"]) == ("COMPLETED", [])


@pytest.mark.postgresql
def test_a_table_that_does_not_answer_in_time_is_named(postgres_host):
    """A migration holds a table: the look does not wait for long, and names the table."""
    with postgres_host.server.connect(postgres_host.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE hostproject_everything IN ACCESS EXCLUSIVE MODE")
        health = postgres_host.json("backup_health", "--deep", expect=2)
    (found,) = [one for one in health["findings"] if one["id"] == "backup.W043"]
    assert (found["severity"], found["subject"]) == ("WARNING", "hostproject.Everything")
    assert "statement timeout" in found["what"]


def test_the_names_that_documents_had_before_are_no_files_of_the_host(new_edms):
    """The folder that they were taken in from lies beside the documents, and has them still."""
    inbox = new_edms.home / "inbox"
    inbox.mkdir()
    for number in range(5):
        (inbox / f"scan-{number}.pdf").write_text(str(number))
    new_edms.run("import_documents", str(inbox))
    names = new_edms.rows("SELECT source_name FROM documents_documentversion ORDER BY source_name")
    assert names == [(f"scan-{number}.pdf",) for number in range(5)]
    found = {one["id"] for one in new_edms.json("backup_health", "--deep", expect=2)["findings"]}
    assert not {"backup.W043", "backup.W046", "backup.W029"} & found
