"""The quick half of `make hosts`: the wheel in hosts of four shapes, by the page's own words, with what tests have.

Further versions, drivers and shapes are for `make hosts`.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.testing.forks import Forks

from .cells import Cell, covering_cells, possible_cells
from .environments import ROOT, Environment, InstallFailed, environment_of_tests, find_python
from .installed import Host
from .journey import Journey
from .page import PageLacks, read_page
from .running import run_cell
from .services import Services
from .shelf import BY_NAME, PROJECTS, SHELF

FILES = dataclasses.replace(BY_NAME["wrapped_storage"], also=("catch_all",))
ROWS = dataclasses.replace(BY_NAME["awkward_tables"], also=("custom_user",))
QUICK = [
    Cell(FILES, "tests", "sqlite", "wsgi", "cron"),
    pytest.param(Cell(ROWS, "tests", "postgresql-psycopg", "asgi", "cron"), marks=pytest.mark.postgresql),
]
ALONE = """
import sys
sys.modules.update(dict.fromkeys(("rest_framework", "drf_spectacular")))
import django
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "edms_backup"]
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(INSTALLED_APPS=apps, DATABASES={"default": database}, BACKUP_STORAGE_ROOT=sys.argv[1])
django.setup()
from importlib import import_module
from django.core.management import call_command, get_commands
ours = sorted(name for name, app in get_commands().items() if app == "edms_backup")
for name in ours:
    import_module(f"edms_backup.management.commands.{name}")
print(len(ours))
call_command("backup_openapi")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment_of_tests(read_page(), tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def forks(environment: Environment):
    forks = Forks(environment.python, environment.packages, "strongroom", "edms_common", "edms_backup")
    yield forks
    forks.end()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory):
    with Services(tmp_path_factory.mktemp("services")) as services:
        yield services


@pytest.mark.slow
@pytest.mark.parametrize("cell", QUICK, ids=str)
def test_a_host_gets_everything_back(cell: Cell, environment: Environment, forks: Forks, services, tmp_path: Path):
    journey = Journey(Host(cell, environment, services, tmp_path, forks=forks), read_page())
    journey.go()
    assert journey.step == "the console"


def test_the_wheel_holds_the_app_and_its_parts_and_nothing_of_the_edms(environment: Environment):
    found = {path.name for path in environment.packages.iterdir() if path.is_dir()}
    assert {"edms_backup", "edms_common", "strongroom"} <= found
    assert not found & {"apps", "config", "demo", "backend"}
    assert (environment.packages / "edms_backup/static/backup/console/manifest.json").is_file()


def test_no_command_but_one_needs_rest_framework(environment: Environment, tmp_path: Path):
    command = [environment.python, "-c", ALONE, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert int(done.stdout.split()[0]) > 15, done.stderr
    assert "which is not installed. Install `edms_backup[api]`." in done.stdout + done.stderr


def test_the_cells_hold_every_pair():
    """Each project meets each of its engines; of versions, databases, servers and executors each two meet."""
    wanted = {pair for cell in possible_cells() for pair in cell.pairs()}
    cells = covering_cells()
    assert {pair for cell in cells for pair in cell.pairs()} == wanted
    assert ("lowest", "postgresql-psycopg") in wanted
    assert {cell.project.name for cell in cells} == {project.name for project in SHELF}
    assert len(cells) < len(SHELF) * 3


def test_missing_programs_are_skipped_and_pip_failures_fail(monkeypatch, services, tmp_path: Path):
    cell = Cell(BY_NAME["plain"], "django60", "sqlite", "wsgi", "cron")

    def outcome(environment, folder: str):
        return run_cell(cell, environment, page=read_page(), services=services, folder=tmp_path / folder)

    for name in ("PATH", "PYENV_ROOT"):
        monkeypatch.setenv(name, str(tmp_path))
    result = outcome(lambda _: find_python("3.12"), "no-python")
    assert (result.outcome, result.said) == ("not run", "needs Python 3.12")

    def refuse(_cell: Cell):
        raise InstallFailed("Django 4.2 became 5.2")

    result = outcome(refuse, "other-versions")
    assert (result.outcome, result.step, result.said) == ("failed", "install", "Django 4.2 became 5.2")


def test_every_project_on_the_shelf_is_a_row():
    assert {path.name for path in PROJECTS.iterdir()} <= {"common", *BY_NAME}


def test_a_page_without_its_blocks_is_refused():
    with pytest.raises(PageLacks, match="BACKUP_STORAGE_ROOT"):
        read_page("```bash\npip wheel .\npip install x\n```\n")


@pytest.mark.parametrize("kind", [list, tuple])
def test_the_lines_of_the_page_suit_settings_with_lists_and_with_tuples(kind, tmp_path: Path):
    settings = {"INSTALLED_APPS": kind(["rest_framework", "archive"]), "MIDDLEWARE": kind(["common"])}
    exec(read_page().settings_for(tmp_path), settings)
    assert settings["INSTALLED_APPS"] == ["rest_framework", "archive", "edms_backup"]
    assert settings["MIDDLEWARE"] == ["edms_backup.middleware.HoldWrites", "common"]


def test_the_floors_are_those_of_pyproject():
    done = subprocess.run(
        [sys.executable, ROOT / "tools/floors", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
