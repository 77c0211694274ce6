"""Virtual environments of host projects, made once and kept, and the wheel that is installed into them.

The packages of the host come first, with the versions that the host has pinned; then the page's own line installs the
wheel beside them. It must not change a single one of them: pip would do so without a word where our lowest versions
are higher than the host's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .page import ROOT, Page

FLOORS = ROOT / "requirements/lowest-direct.txt"
KEPT = Path(os.environ.get("HOSTS_KEPT") or ROOT / "var/hosts")
"""The folder that keeps environments from run to run; it can be removed at any time."""

_PYTHON = {"django42": "3.11", "django52": "3.11", "django60": "3.12", "lowest": "3.11", "newest": "3.13"}
_DJANGO = {
    "django42": "django~=4.2.0",
    "django52": "django~=5.2.0",
    "django60": "django~=6.0.0",
    "newest": "django<6.1",
}
_DRIVERS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"}
# Packages of a host that has all that the projects use, in the newest versions that fit.
_HOST = ("pymysql", "gunicorn", "uvicorn")
_FURTHER = (
    *("celery", "django-celery-beat", "redis", "packaging", "setuptools<81"),
    *("djangorestframework-simplejwt", "django-compression-middleware"),
)
# The kombu of the lowest Celery's time. Celery also accepts the newest one, which needs a newer client of Redis.
_OF_ITS_TIME = ("kombu<5.4",)


class NotRun(Exception):
    """Something that the machine lacks keeps a cell from being tried; the text names it."""


class InstallFailed(Exception):
    """An environment could not be made as the page says; the text has what pip said."""


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with the packages of a host."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    @property
    def packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"))


class Environments:
    """Makes each environment when it is first asked for; may be asked by several threads."""

    def __init__(self, page: Page, dist: Path) -> None:
        self._page = page
        self._dist = dist
        self._locks: dict[str, threading.Lock] = {}
        self._ready: dict[str, Environment] = {}
        self._guard = threading.Lock()

    def environment(self, version: str, driver: str, *, api: bool) -> Environment:
        """The one with these versions and the wheel. Raises `NotRun` and `InstallFailed`."""
        name = f"{version}-{driver}{'' if api else '-bare'}"
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._ready:
                self._ready[name] = self._made(name, version, driver, api=api)
            return self._ready[name]

    def _made(self, name: str, version: str, driver: str, *, api: bool) -> Environment:
        interpreter = find_python(_PYTHON[version])
        further = _FURTHER + (_OF_ITS_TIME if version == "lowest" else ())
        wanted = [_DJANGO.get(version, "django"), _DRIVERS[driver], *_HOST, *(further if api else ())]
        limits = ["--constraint", str(FLOORS)] if version == "lowest" else []
        # The newest versions are looked up again each week.
        until = {"lowest": FLOORS.read_text(), "newest": f"{datetime.now(UTC):%G-%V}"}.get(version, "")
        environment = Environment(KEPT / "environments" / name)
        made = environment.folder / "made-of.json"
        state = [str(interpreter), *wanted, until]
        if not made.is_file() or json.loads(made.read_text())["state"] != state:
            shutil.rmtree(environment.folder, ignore_errors=True)
            _run([interpreter, "-m", "venv", environment.folder])
            _run([environment.python, "-m", "pip", "install", "--quiet", *limits, *wanted])
            made.write_text(json.dumps({"state": state, "packages": _packages(environment)}))
        try:
            self._install_wheel(environment, json.loads(made.read_text())["packages"], limits, api=api)
        except InstallFailed:
            made.unlink()
            raise
        return environment

    def _install_wheel(
        self, environment: Environment, packages: Mapping[str, str], limits: Sequence[str], *, api: bool
    ) -> None:
        """The page's line, beside `packages` of the host; nothing to do where it was done with the same wheel."""
        pip = [environment.python, "-m", "pip"]
        wheels = sorted(self._dist.glob("*.whl"))
        content = [*self._page.install, *(hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)]
        installed = environment.folder / "installed.json"
        if installed.is_file() and json.loads(installed.read_text()) == content:
            return
        installed.unlink(missing_ok=True)
        brought = _packages(environment).keys() - packages.keys()
        if brought:
            _run([*pip, "uninstall", "--quiet", "--yes", *sorted(brought)])
        line = _expand(self._page.install[1:], self._dist)
        _run([*pip, *(line if api else [word.replace("[api]", "") for word in line]), "--quiet", *limits])
        after = _packages(environment)
        changed = [f"{name} {old} became {after.get(name)}" for name, old in packages.items() if after.get(name) != old]
        if changed:
            raise InstallFailed(f"The wheel changed packages of the host: {', '.join(changed)}.")
        _run([*pip, "check"])
        installed.write_text(json.dumps(content))


def build_wheel(page: Page, dist: Path, *further: str) -> None:
    """Build the wheel by the page's own lines, with further options of pip; `dist` holds nothing else afterwards."""
    shutil.rmtree(dist, ignore_errors=True)
    for words in page.build:
        if words[0] == "pip":
            _run([sys.executable, "-m", *words[:-1], *further, words[-1]], {"dist": dist})
        else:
            _run([ROOT / words[0], *words[1:]])


def environment_of_tests(page: Page, folder: Path) -> Environment:
    """The packages of the tests, and the wheel in place of the source: nothing is downloaded."""
    environment = Environment(folder / "environment")
    build_wheel(page, folder / "dist", "--no-build-isolation")
    _run([sys.executable, "-m", "venv", "--without-pip", environment.folder])
    pip = [sys.executable, "-m", "pip", "--python", environment.python]
    _run([*pip, *_expand(page.install[1:], folder / "dist"), "--quiet", "--no-deps"])
    # Only the path: the files *.pth in there, of which one names the source, are not read.
    (environment.packages / "of-tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def _expand(words: Sequence[str], dist: Path) -> list[str]:
    """Return words of the page as the shell expands them where `dist` is this folder."""
    quoted = " ".join(f'"{word}"' for word in words)
    expanded = _run(["bash", "-c", f"cd {shlex.quote(str(dist.parent))} && printf '%s\\n' {quoted}"]).splitlines()
    return [str(dist.parent / word) if word.startswith("dist/") else word for word in expanded]


def find_python(lowest: str) -> Path:
    """An interpreter of this version of Python or, where there is none, of the next newer. Raises `NotRun`."""
    wanted = int(lowest.partition(".")[2])
    for minor in range(wanted, 15):
        for path in _interpreters(f"python3.{minor}"):
            if _works(path, minor):
                return path
    raise NotRun(f"needs Python {lowest}")


def _interpreters(name: str) -> Iterator[Path]:
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    # The commands of pyenv in PATH run only the version that is selected; the others lie beside it.
    manager = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += sorted(manager.glob("versions/3.*/bin"))
    return (folder / name for folder in folders if (folder / name).is_file())


def _works(path: Path, minor: int) -> bool:
    looked = [path, "-c", "import sys, ssl, sqlite3, venv, ensurepip; print(sys.version_info[1])"]
    done = subprocess.run(looked, capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(minor)


def _packages(environment: Environment) -> dict[str, str]:
    listed = _run([environment.python, "-m", "pip", "list", "--format", "json"])
    return {package["name"]: package["version"] for package in json.loads(listed)}


def _run(command: Sequence[str | Path], folders: Mapping[str, Path] | None = None) -> str:
    """Run a command at the root; folders that the page names lie elsewhere. Raises `InstallFailed`."""
    words = [str(word) for word in command]
    for name, folder in (folders or {}).items():
        words = [
            str(folder) + word.removeprefix(name) if word == name or word.startswith(f"{name}/") else word
            for word in words
        ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallFailed(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
