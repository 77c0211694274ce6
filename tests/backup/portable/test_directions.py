"""From each kind of database to each: every value of every table comes back."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest
from tests.backup.testing.zoo import ENGINES, SAMPLED, MakeZoo, Zoo, kept

MARKS = {"postgresql": [pytest.mark.postgresql], "mysql": [pytest.mark.mariadb], "sqlite": []}
PAIRS = [pytest.param(source, target, marks=MARKS[source] + MARKS[target]) for source in ENGINES for target in ENGINES]


@dataclasses.dataclass
class Filled:
    zoo: Zoo
    values: list[str]
    package: Path


@pytest.fixture(scope="session")
def sources(zoo: MakeZoo):
    made: dict[str, Filled] = {}

    def of(engine: str) -> Filled:
        if engine not in made:
            source = zoo(engine, migrated=True)
            values = source.fill()
            made[engine] = Filled(source, values, source.export())
        return made[engine]

    return of


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_value_comes_back(sources, zoo, source, target):
    filled = sources(source)
    other = zoo(target)
    other.take_in(filled.package)
    assert other.show() == kept(filled.values, target)


@pytest.mark.parametrize("engine", [pytest.param(engine, marks=MARKS[engine]) for engine in ENGINES])
def test_each_kind_of_database_gives_samples_of_its_texts(sources, engine):
    """So that documents which rows name by a text are found on each; a table that cannot be sampled is named."""
    unread, values = ast.literal_eval(sources(engine).zoo.run("shell", "-c", SAMPLED).stdout.splitlines()[-1])
    assert unread == []
    texts = ("Everything.label", "Everything.char", "Everything.document", "Everything.text", "Coded.code")
    # One label is of a row that has a file; it looks like no name of a file, and is a value as the others are.
    assert [values[f"zoo.{label}"] for label in texts] == [14, 4, 9, 3, 5]


@pytest.mark.postgresql
def test_a_zero_with_a_sign_is_among_the_values(sources):
    assert any(" -0.0," in line for line in sources("postgresql").values)


ZONES = {"ZOO_USE_TZ": "false", "ZOO_TIME_ZONE": "Asia/Kolkata"}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=MARKS["postgresql"]),
        pytest.param("postgresql", "sqlite", marks=MARKS["postgresql"]),
    ],
)
def test_projects_that_keep_no_time_zones(zoo, source, target):
    one = zoo(source, **ZONES)
    one.run("zoo_fill", ZOO_INNER="1")
    values = one.show()
    other = zoo(target, **ZONES)
    other.take_in(one.export())
    assert other.show() == kept(values, target)
