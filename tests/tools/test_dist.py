"""The version stands once, and a build of the packages gives the same bytes in any folder."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "backend/strongroom/__init__.py"


def version() -> str:
    return re.search(r'^__version__ = "(.+)"$', SOURCE.read_text(), re.MULTILINE)[1]


def test_the_version_stands_in_one_file():
    others = [ROOT / name for name in ("pyproject.toml", "Dockerfile", "frontend/package.json")]
    others += (ROOT / "backend").rglob("*.py")
    stated = [path for path in others if f'"{version()}"' in path.read_text()]
    assert stated == [SOURCE]


def built(folder: Path) -> dict[str, bytes]:
    """Copy what the packages are made of, build both there, and return them."""
    for name in ("backend/strongroom", "backend/edms_common", "backend/apps/backup"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    words = [sys.executable, "-m", "hatchling", "build", "-d", "dist"]
    subprocess.run(
        words, cwd=folder, check=True, capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    )
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


def test_two_builds_give_the_same_bytes_and_the_wheel_works(tmp_path):
    first, second = built(tmp_path / "one"), built(tmp_path / "a longer name")
    assert sorted(first) == [f"edms_backup-{version()}-py3-none-any.whl", f"edms_backup-{version()}.tar.gz"]
    assert first == second
    with tarfile.open(tmp_path / f"one/dist/edms_backup-{version()}.tar.gz") as archive:
        assert f"edms_backup-{version()}/backend/edms_common/progress.py" in archive.getnames()
    (wheel,) = (tmp_path / "one/dist").glob("*.whl")
    target = tmp_path / "installed"
    words = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    program = (
        "import strongroom, edms_backup, edms_backup.management.terminal, edms_common.progress as shared;"
        " print(strongroom.__version__, strongroom.__file__, shared.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [
        version(),
        str(target / "strongroom/__init__.py"),
        str(target / "edms_common/progress.py"),
    ]
