"""Databases as real systems have them, each from an EXPORT to its restore, or to the plan that says no."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.backup.portable.conftest import MakeZoo, Zoo

SHAPES = Path(__file__).parents[2] / "hosts" / "export"
MARKS = {"postgresql": pytest.mark.postgresql, "mysql": pytest.mark.mariadb, "sqlite": ()}


def told(shape: Path, word: str) -> str:
    found = re.search(rf"^-- {word}: (.*)$", shape.read_text(), re.MULTILINE)
    return found[1] if found else ""


def cases():
    for shape in sorted(SHAPES.glob("*.sql")):
        for engine in told(shape, "on").split(", "):
            target = told(shape, "to") or engine
            marks = [MARKS[one] for one in {engine, target} if MARKS[one]]
            yield pytest.param(shape, engine, target, id=f"{shape.stem}-{engine}", marks=marks)


@pytest.fixture(scope="module")
def migrated(zoo: MakeZoo):
    """An empty project on a kind of database, made once; each shape is made in a copy of what it exports."""

    def make(engine: str) -> Zoo:
        made = zoo(engine)
        made.run("migrate", "-v0")
        return made

    return make


def run_all(project: Zoo, statements: list[str]) -> list[str]:
    """What queries give, of all of them in one process."""
    program = (
        "from django.db import connection as d\n"
        f"for text in {statements!r}:\n"
        "    c = d.cursor(); c.execute(text, None)\n"
        "    print('=', c.fetchall() if c.description else '')"
    )
    return [line for line in project.run("shell", "-v0", "-c", program).stdout.splitlines() if line.startswith("=")]


@pytest.mark.parametrize(("shape", "engine", "target"), [*cases()])
def test_a_plan_says_yes_only_where_the_restore_does(shape, engine, target, migrated, zoo):
    expected, says = told(shape, "expect"), told(shape, "says")
    making, _, comparing = re.sub(r"^-- (?!compare:).*\n", "", shape.read_text(), flags=re.MULTILINE).partition(
        "-- compare:"
    )
    source = migrated(engine)
    run_all(source, [one.strip() for one in making.split(";\n") if one.strip()])
    queries = [one.strip() for one in comparing.split(";\n") if one.strip()]
    values = run_all(source, queries) if queries else []
    package = source.home / "shape.tar.gz"
    status = {"incomplete": "INCOMPLETE"}.get(expected, "COMPLETED")
    made = source.json(
        *("trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(package)),
        expect=3 if status == "INCOMPLETE" else 0,
    )
    assert made["status"] == status, made
    if status == "INCOMPLETE":
        assert re.search(says, str(made["problems"])), made
        return
    here = zoo(target)
    plan = here.plan(package, blocked=expected == "refused")
    assert re.search(says, " / ".join([*plan["warnings"], *plan["blocking"], *made["warnings"]]), re.DOTALL), plan
    assert not list((here.home / "backups" / "restores").glob("*.json")), "a plan leaves nothing"
    if expected == "refused":
        refused = here.run("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", expect=1)
        assert "Nothing" in refused.stderr
        return
    here.take_in(package)
    assert run_all(here, queries) == values
