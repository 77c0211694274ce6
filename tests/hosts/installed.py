"""A host project in a folder of its own: its files, its commands, who runs its jobs, and its web server."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.backup.testing.forks import Forks

from .cells import Cell
from .environments import Environment
from .page import Page
from .services import Services
from .serving import Browser, free_port, running, wait_for_port
from .shelf import PROJECTS

SECONDS = 120
_DOCUMENTS = ("media", "data", "storage", "vault", "inner", "inbox")
"""Folders of the site in which projects keep files."""


class StepFailed(Exception):
    """A step did not end as it should; the text is what was seen."""


class Host:
    """The project of a cell, laid out and not in use yet.

    With `forks` the commands of later are forks of a process that has loaded the app; those from before its
    installation are not.
    """

    def __init__(
        self, cell: Cell, environment: Environment, services: Services, folder: Path, *, forks: Forks | None = None
    ) -> None:
        self.cell = cell
        self.python = environment.python
        self.folder = folder
        self.site = folder / "site"
        self._installed = False
        self._forks = forks
        aliases = ["default", *(["second"] if cell.project.second_database else [])]
        self._databases = {alias: services.database(cell.engine, alias, self.site) for alias in aliases}
        self.variables = {
            "PATH": os.pathsep.join([str(environment.folder / "bin"), os.environ["PATH"]]),
            "HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": cell.project.settings_module,
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOST_SECRET_KEY": secrets.token_urlsafe(50),
            "HOST_DATABASES": json.dumps({alias: one.settings for alias, one in self._databases.items()}),
        }
        if cell.executor == "celery":
            self.variables["HOST_BROKER"] = services.broker()
        self._lay_out()

    def _lay_out(self) -> None:
        shutil.copytree(PROJECTS / "common", self.site)
        for name in (self.cell.project.name, *self.cell.project.also):
            # A shape that is one of the cell alone, such as its packages, has no files.
            if (PROJECTS / name).is_dir():
                shutil.copytree(PROJECTS / name, self.site, dirs_exist_ok=True)
        if self.cell.engine == "mariadb":
            package = self.site / "host/__init__.py"
            package.write_text("import pymysql\n\npymysql.install_as_MySQLdb()\n" + package.read_text())

    def take_in(self, page: Page) -> None:
        """Add the page's lines to settings and addresses, and have a passphrase."""
        project = self.cell.project
        settings = self.site / project.settings
        lines = page.settings_for(self.folder / "backups", api=project.api)
        own = f'BACKUP_FALLBACK_ROOT = "{self.folder / "fallback"}"\n{project.lines}'
        settings.write_text(f"{settings.read_text()}\n{lines}\n{own}")
        if project.api:
            urls = self.site / project.urls
            urls.write_text(f"{urls.read_text()}\n{page.urls}")
        passphrase = self.folder / "passphrase"
        passphrase.write_text("in the safe, on paper")
        self.variables["BACKUP_PASSWORD_FILE"] = str(passphrase)
        self._installed = True

    def lose_everything(self) -> None:
        """Drop the databases and remove the files; code, passphrase and backups are elsewhere."""
        for database in self._databases.values():
            database.lose()
        for name in _DOCUMENTS:
            if (self.site / name).exists():
                shutil.rmtree(self.site / name)

    def manage(self, *words: str) -> str:
        """Run a command of the host; its output. Raises `StepFailed` where it fails."""
        done = self.try_to_manage(*words)
        if done.returncode:
            raise StepFailed(f"manage.py {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def try_to_manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same with whatever exit code."""
        program = self.site / "manage.py"
        if self._forks is not None and self._installed:
            return self._forks.run(words, self.variables, seconds=SECONDS, program=program)
        return subprocess.run(
            [self.python, program, *words],
            cwd=self.site,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @contextlib.contextmanager
    def executor(self) -> Iterator[None]:
        """Run the executor: processes beside the host or, by cron, a command every few minutes."""
        celery = [self.python, "-m", "celery", "-A", "host"]
        commands = {
            "cron": [],
            "agent": [[self.python, "manage.py", "backup_agent"]],
            "celery": [[*celery, "worker", "--concurrency", "1"], [*celery, "beat"]],
        }[self.cell.executor]
        with contextlib.ExitStack() as beside:
            for number, command in enumerate(commands):
                log = self.folder / f"executor-{number}.log"
                beside.enter_context(running(command, self.variables, folder=self.site, log=log))
            if self.cell.executor == "cron":
                self.manage("backup_run_due")
            yield

    @contextlib.contextmanager
    def served(self) -> Iterator[Browser]:
        """A web server hands out the project."""
        port, log = free_port(), self.folder / "server.log"
        place = ["--host", "127.0.0.1", "--port", str(port)]
        command = [self.python, "-m", "uvicorn", *place, "--lifespan", "off", "host.asgi:application"]
        if self.cell.server == "wsgi":
            command = [self.python, "-m", "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{port}", "host.wsgi"]
        with running(command, self.variables, folder=self.site, log=log) as process:
            wait_for_port(port, process, log)
            yield Browser(port)
