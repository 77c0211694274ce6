"""Databases as real systems have them, each from an EXPORT to its restore, or to the plan that says no."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from tests.backup.testing.zoo import Zoo

SHAPES = Path(__file__).parents[2] / "hosts" / "export"
MARKS = {"postgresql": pytest.mark.postgresql, "mysql": pytest.mark.mariadb}


def told(shape: Path, word: str) -> str:
    found = re.search(rf"^-- {word}: (.*)$", shape.read_text(), re.MULTILINE)
    return found[1] if found else ""


def statements(shape: Path) -> tuple[list[str], list[str]]:
    """Return the statements that make it, and the queries that compare it."""
    text = re.sub(r"^-- (?!compare:).*\n", "", shape.read_text(), flags=re.MULTILINE)
    making, _, comparing = text.partition("-- compare:")
    return tuple([one.strip() for one in part.split(";\n") if one.strip()] for part in (making, comparing))


def cases() -> list[object]:
    """Shapes with their databases. Those that come back do so in one package for each of them, which is quicker."""
    found: dict[tuple[str, ...], list[Path]] = {}
    for shape in sorted(SHAPES.glob("*.sql")):
        expected = told(shape, "expect")
        for engine in told(shape, "on").split(", "):
            together = "" if expected == "comes back" else shape.stem
            found.setdefault((engine, told(shape, "to") or engine, expected, together), []).append(shape)
    return [
        pytest.param(shapes, *key[:3], id="-".join(filter(None, (key[3] or "all", key[0]))), marks=_marks(*key[:2]))
        for key, shapes in found.items()
    ]


def _marks(*engines: str) -> list[pytest.MarkDecorator]:
    return [MARKS[one] for one in dict.fromkeys(engines) if one in MARKS]


def run_all(project: Zoo, wanted: list[str]) -> list[str]:
    """Return the rows of all statements, run in one process."""
    program = (
        "from django.db import connection as d\n"
        f"for text in {wanted!r}:\n"
        "    c = d.cursor(); c.execute(text, None)\n"
        "    print('=', c.fetchall() if c.description else '')"
    )
    return [line for line in project.run("shell", "-v0", "-c", program).stdout.splitlines() if line.startswith("=")]


@pytest.mark.parametrize(("shapes", "engine", "target", "expected"), cases())
def test_a_plan_says_yes_only_where_the_restore_does(shapes, engine, target, expected, zoo):
    source = zoo(engine, migrated=True)
    making, queries = map(list, map(itertools.chain.from_iterable, zip(*map(statements, shapes), strict=True)))
    run_all(source, making)
    values = run_all(source, queries) if queries else []
    package = source.home / "shape.tar.gz"
    incomplete = expected == "incomplete"
    made = source.json(
        *("trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(package)),
        expect=3 if incomplete else 0,
    )
    assert made["status"] == ("INCOMPLETE" if incomplete else "COMPLETED"), made
    if incomplete:
        said = [problem["reason"] for problem in made["problems"]]
    else:
        here = zoo(target)
        plan = here.plan(package, blocked=expected == "refused")
        said = [*plan["warnings"], *plan["blocking"], *made["warnings"]]
        assert not list((here.home / "backups" / "restores").glob("*.json")), "a plan leaves nothing"
    for shape in shapes:
        assert re.search(told(shape, "says"), "\n".join(said), re.DOTALL), (shape.stem, said)
    if expected == "refused":
        refused = here.run("restore_backup", "--package", str(package), "--yes", "--no-safety-backup", expect=1)
        assert "Nothing" in refused.stderr
    elif expected == "comes back":
        here.take_in(package)
        assert run_all(here, queries) == values
