"""The services of the compose file as plain processes: same entry point, same environment, as an unprivileged user.

Only hosts, ports and folders are others. The additions of a container are missing: its own files, no
capabilities, a read-only file system.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.containers.files import ROOT, compose, image_environment

from demo.private_postgres import RunningServer, private_postgres

USER = 10001
PASSPHRASE = "correct horse battery staple"
SECONDS = 60
READY = {"backend": "Listening at", "celery_worker": " ready.", "celery_beat": "Sending due task edms-heartbeat"}


@dataclasses.dataclass
class Stack:
    """Where the services live, and how a process gets what its container would have."""

    work: Path
    database: RunningServer
    broker_port: int
    web_port: int
    user: int | None
    """The user that everything runs as; None is the user of the tests."""
    python: Path
    """The folder of `python`, `celery` and `gunicorn`."""

    def environment(self, service: str) -> dict[str, str]:
        """The environment of the image and of the compose file, with hosts and folders of this machine."""
        given = {name: self.here(value) for name, value in self.named(service).items()}
        given["PATH"] += f":{self.database.bin}"
        return given | {
            "HOME": str(self.work / "tmp"),
            # Where the interpreter, or its copy, has its library.
            "LD_LIBRARY_PATH": os.pathsep.join([str(self.work / "python/lib"), os.environ.get("LD_LIBRARY_PATH", "")]),
        }

    def named(self, service: str) -> dict[str, str]:
        """Return the variables of the image and the compose file, with the servers of this machine."""
        given = image_environment() | compose()["services"][service]["environment"]
        servers = {
            "@db:5432": f"@{self.database.host}:{self.database.port}",
            "//redis:6379": f"//127.0.0.1:{self.broker_port}",
        }
        for there, ours in servers.items():
            given = {name: value.replace(there, ours) for name, value in given.items()}
        return given | {"EDMS_STOP_SECONDS": "1", "EDMS_BIND": f"127.0.0.1:{self.web_port}"}

    def here(self, text: str) -> str:
        """The same text with the folders that stand for those of a container."""
        folders = {
            "/opt/venv/bin": str(self.python),
            "/app/static": str(self.work / "static"),
            "/app/": f"{ROOT}/",
            "/run/secrets": str(self.work / "secrets"),
            "/srv/edms": str(self.work / "edms"),
            "/srv/backups": str(self.work / "backups"),
        }
        for there, ours in folders.items():
            text = text.replace(there, ours)
        return text

    @property
    def storage(self) -> Path:
        return self.work / "backups"

    def start(self, service: str, *command: str, **options: object) -> subprocess.Popen[str]:
        """A process in the container of that service, in the image's working folder."""
        return subprocess.Popen(
            command,
            env=self.environment(service),
            cwd=ROOT / "backend",
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **_as(self.user),
            **options,
        )

    def run(self, service: str, *command: str, expect: int = 0) -> str:
        """`docker compose exec SERVICE COMMAND`; what it wrote to standard output."""
        process = self.start(service, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == expect, f"exit {process.returncode}: {command}\n{out}\n{errors}"
        return out

    def shell(self, service: str, line: str) -> str:
        """Run a line as `docker compose exec SERVICE` does."""
        return self.run(service, "bash", "-c", line)

    def up(self, service: str) -> subprocess.Popen[str]:
        """The main process of a service; what it says goes to its log."""
        command = compose()["services"][service]["command"]
        with self.log(service).open("w") as log:
            return self.start(service, self.here("/app/docker/entrypoint"), *command, stdout=log, stderr=log)

    def log(self, service: str) -> Path:
        return self.work / f"{service}.log"

    def ask(self, service: str) -> subprocess.Popen[str]:
        """Start the health check as the compose file says it."""
        words = compose()["services"][service]["healthcheck"]["test"]
        return self.start(service, *map(self.here, words[1:]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def check(self, service: str) -> tuple[int, str]:
        """The health check of a service: exit code, and what it said."""
        return answer(self.ask(service))

    def wait(self, service: str, process: subprocess.Popen[str]) -> str:
        """Wait until a service is healthy; what its check said last."""
        deadline = time.monotonic() + SECONDS
        # A check of a worker that is not yet there takes as long as it waits for an answer.
        while READY[service] not in self.log(service).read_text():
            assert process.poll() is None, f"{service} ended:\n{self.log(service).read_text()}"
            assert time.monotonic() < deadline, (
                f"Waited {SECONDS} seconds for {READY[service]!r} in the log:\n{self.log(service).read_text()}"
            )
            time.sleep(0.1)
        while True:
            code, said = self.check(service)
            if code == 0:
                return said
            assert process.poll() is None, f"{service} ended:\n{self.log(service).read_text()}"
            assert time.monotonic() < deadline, (
                f"Waited {SECONDS} seconds for {service} to be healthy; seen last: {said}\n"
                f"{self.log(service).read_text()}"
            )
            time.sleep(0.3)

    @contextlib.contextmanager
    def service(self, name: str) -> Iterator[subprocess.Popen[str]]:
        """A healthy service, which is stopped as the engine stops it."""
        process = self.up(name)
        try:
            self.wait(name, process)
            yield process
        finally:
            self.stop(name, process)

    def stop(self, name: str, process: subprocess.Popen[str]) -> None:
        number = getattr(signal, compose()["services"][name].get("stop_signal", "SIGTERM"))
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answer(asked: subprocess.Popen[str]) -> tuple[int, str]:
    """How a health check has ended: exit code, and what it said."""
    said, _ = asked.communicate(timeout=SECONDS)
    return asked.returncode, said


def _as(user: int | None) -> dict[str, object]:
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _runs(command: list[str | Path], user: int | None) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, cwd=ROOT, **_as(user)).returncode == 0
    except PermissionError:
        return False


def _user_and_python(work: Path) -> tuple[int | None, Path]:
    """The user to become, and the `bin` of a virtual environment that this user can run, with the image's packages."""
    packages = Path(sysconfig.get_path("purelib"))
    interpreter = Path(sys.executable).resolve()
    user = None
    if os.geteuid() == 0:
        user = USER
        if not _runs([interpreter, "-c", ""], user):
            # It lies in a home that is closed to others.
            interpreter = _copy_of_python(work / "python")
        if not _runs(["test", "-r", packages / "django" / "__init__.py", "-a", "-r", ROOT / "docker/entrypoint"], user):
            user = None
    return user, _virtual_environment(work / "venv", interpreter, packages)


def _copy_of_python(folder: Path) -> Path:
    base, name = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    unused = shutil.ignore_patterns("site-packages", "test", "idlelib", "ensurepip", "config-*")
    shutil.copytree(base / "lib" / name, folder / "lib" / name, ignore=unused)
    for library in (base / "lib").glob("libpython*.so*"):
        shutil.copy2(library, folder / "lib")
    (folder / "bin").mkdir()
    return Path(shutil.copy2(base / "bin" / name, folder / "bin"))


def _in_the_image(packages: Path) -> set[str]:
    """Name the packages of the image's lock in that folder: the tests' own must not hide a missing one."""
    lock = (ROOT / "requirements/container.txt").read_text()
    found: set[str] = set()
    for name, marker in re.findall(r"^([a-z0-9-]+)==\S+( ;)?", lock, re.MULTILINE):
        try:
            files = importlib.metadata.distribution(name).files or []
        except importlib.metadata.PackageNotFoundError:
            # For another version of Python.
            assert marker, name
            continue
        found |= {file.parts[0] for file in files if file.parts[0] != ".."}
    return {name for name in found if (packages / name).exists()}


def _virtual_environment(folder: Path, interpreter: Path, packages: Path) -> Path:
    libraries = {"LD_LIBRARY_PATH": str(interpreter.parent.parent / "lib")}
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True, env=os.environ | libraries)
    for top in _in_the_image(packages):
        (folder / "lib" / packages.parent.name / packages.name / top).symlink_to(packages / top)
    for name in ("celery", "gunicorn"):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {name} "$@"\n')
        script.chmod(0o755)
    return folder / "bin"


def write_secrets(folder: Path, contents: Mapping[str, str], user: int | None) -> None:
    folder.mkdir()
    for name, text in contents.items():
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
        if user is not None:
            os.chown(folder / name, user, user)


@contextlib.contextmanager
def _broker(work: Path, user: int | None) -> Iterator[int]:
    """The broker with the options of the compose file."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("redis is not installed")
    port = free_port()
    options = compose()["services"]["redis"]["command"][1:]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), *options]
    with (work / "redis.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=work / "tmp", **_as(user))
    try:
        deadline = time.monotonic() + SECONDS
        while "Ready to accept connections" not in (work / "redis.log").read_text():
            assert process.poll() is None, (work / "redis.log").read_text()
            assert time.monotonic() < deadline, (
                f"Waited {SECONDS} seconds for Redis to be ready; its log:\n{(work / 'redis.log').read_text()}"
            )
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Database and broker, the secrets, empty volumes, the collected static files; none of our services."""
    with contextlib.ExitStack() as cleanup:
        # Not below pytest's own folder, which is closed to other users.
        work = Path(tempfile.mkdtemp(prefix="edms-containers-"))
        cleanup.callback(shutil.rmtree, work)
        work.chmod(0o755)
        for name in ("edms", "backups", "tmp", "static"):
            (work / name).mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(work / name, USER, USER)
        user, python = _user_and_python(work)
        broker = cleanup.enter_context(_broker(work, user))
        database = cleanup.enter_context(private_postgres(work / "server"))
        database.create_database("edms")
        contents = {
            "database_password": database.password,
            "django_secret_key": "k" * 60,
            "backup_passphrase": PASSPHRASE,
        }
        write_secrets(work / "secrets", contents, user)
        stack = Stack(work, database, broker, free_port(), user, python)
        stack.run("backend", "python", "manage.py", "collectstatic", "--no-input")
        yield stack
