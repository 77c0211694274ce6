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


def test_each_path_of_a_module_exists():
    """A path is below the project, `backend/` or the backup app; or below the package that its row or section names."""
    paths = set(re.findall(r"`(\w+(?:/\w+)+\.py)`", PAGE))
    assert len(paths) > 30
    places = [ROOT, ROOT / "backend", ROOT / "backend/apps/backup", ROOT / "backend/apps/backup/restores/engines"]
    assert [path for path in sorted(paths) if not any((place / path).is_file() for place in places)] == []
