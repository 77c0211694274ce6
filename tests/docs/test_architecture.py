"""docs/architecture.md names each package and module of the engine and of the backup app."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()


def part(start: str, end: str) -> str:
    return PAGE.split(start, 1)[1].split(end, 1)[0]


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("strongroom", part("## The engine", "### What the engine offers")),
        ("apps/backup", part("## Where to look", "## Flows")),
    ],
)
def test_each_package_and_module_is_named(folder: str, text: str):
    # Without `templates`, which holds no code, and files such as `__init__.py` and `py.typed`.
    modules = [
        one for one in (ROOT / "backend" / folder).iterdir() if one.suffix == ".py" or (one / "__init__.py").is_file()
    ]
    names = {one.stem for one in modules if not one.stem.startswith("__")}
    assert len(names) > 20
    assert names - set(re.findall(r"`(?:\w+/)*(\w+)(?:/|\.py)?`", text)) == set()
