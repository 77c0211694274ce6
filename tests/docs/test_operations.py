"""The commands of `docs/operations/` are run as they stand there, on a real system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND, PASSPHRASE, Edms

from demo.private_postgres import private_postgres

PAGES = Path(__file__).resolve().parents[2] / "docs/operations"


def block(page: str, language: str, number: int = 0) -> str:
    """Return a block of that language on a page, the first one unless another is asked for."""
    found = re.findall(rf"```{language}\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
    assert len(found) > number, page
    return str(found[number])


def bash(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(["bash", "-euc", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.postgresql
def test_one_document_comes_back_by_its_title(tmp_path):
    folder, rescue = tmp_path / "in", tmp_path / "rescue"
    folder.mkdir()
    for name in ("Lease contract", "Minutes"):
        (folder / f"{name}.txt").write_text(f"what stands in {name}")
    with private_postgres(tmp_path / "server") as server:
        server.create_database("edms")
        project = Edms(tmp_path / "home", {"BACKUP_PASSWORD": PASSPHRASE, "DATABASE_URL": server.url("edms")})
        project.run("migrate", "-v0")
        project.run("import_documents", str(folder))
        project.have_repository()
        project.run("trigger_backup", "--type", "FULL")
        with server.connect("edms") as connection:
            ((document, name),) = connection.execute(
                "SELECT d.id::text, v.file FROM documents_document d JOIN documents_documentversion v"
                " ON v.document_id = d.id WHERE title = 'Lease contract'"
            ).fetchall()
            connection.execute("DELETE FROM documents_documentversion WHERE document_id = %s", (document,))
            connection.execute("DELETE FROM documents_document WHERE id = %s", (document,))
        content = (project.media / str(name)).read_bytes()
        shutil.rmtree(project.media / Path(str(name)).parent)

        typed = block("one-document", "bash").replace("/srv/rescue", str(rescue))
        assert "ID=…; FILE=…" in typed
        looked_up, then = typed.split("ID=…; FILE=…")
        environment = {
            "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}",
            "EDMS_HOME": str(project.home),
            "MEDIA_ROOT": str(project.media),
            **project.environment,
            **{"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.user, "PGPASSWORD": server.password},
        }
        manage = f'manage() {{ "{sys.executable}" "{BACKEND / "manage.py"}" "$@"; }}\n'
        line = next(line for line in bash(manage + looked_up, environment).splitlines() if "Lease contract" in line)
        found, _, file = (cell.strip() for cell in line.split("|"))
        assert (found, file) == (document, name)
        bash(f"{manage}ID={found}; FILE={file}{then}", environment)

        assert (project.media / file).read_bytes() == content
        with server.connect("edms") as connection:
            titles = connection.execute("SELECT title FROM documents_document ORDER BY title").fetchall()
        assert titles == [("Lease contract",), ("Minutes",)]

        # The file alone, by the title.
        search, restore = block("one-document", "bash", 1).replace("/srv/found", str(tmp_path / "found")).splitlines()
        _, _, path = bash(manage + search.replace("#", " --no-header #"), environment).split("\t")
        bash(f"{manage}FILE={path.strip()}\n{restore}", environment)
        assert (tmp_path / "found" / path.strip()).read_bytes() == content


@pytest.mark.slow
def test_the_lines_for_cron_run_with_nothing_but_what_stands_there(tmp_path):
    edms = Edms(tmp_path / "home", {})
    edms.run("migrate", "-v0")
    lines = block("monitoring", "cron").splitlines()
    given = dict(line.split("=", 1) for line in lines if line[0].isupper())
    assert set(given) == {"EDMS_HOME", "DATABASE_URL", "DATABASE_PASSWORD_FILE", "BACKUP_PASSWORD_FILE"}
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    environment = {
        "PATH": "/usr/bin:/bin",
        "EDMS_HOME": str(edms.home),
        "BACKUP_PASSWORD_FILE": str(passphrase),
        "BACKUP_FALLBACK_ROOT": str(tmp_path / "fallback"),
    }
    edms.run("manage_backup_configs", "--create", "--name", "nightly", "--frequency", "DAILY", "--time", "02:00")
    printed = []
    for line in lines:
        if line[0] != "*":
            continue
        when, command = line.split(" edms ", 1)
        assert len(when.split()) == 5
        command = command.replace("/srv/edms/.venv/bin/python", sys.executable)
        command = command.replace("/srv/edms/backend", str(BACKEND))
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        printed.append(done.stdout)
    # Cron mails what is printed: nothing was due, and there is no backup yet.
    assert printed[0] == ""
    assert printed[1].startswith("BACKUP CRITICAL: UNPROTECTED")
    assert len(printed[1].splitlines()) == 1
