"""The services of the compose file from the root file systems that `tools/build-image` has built.

Each process has the image's files and nothing of this machine but its kernel, its network and the volumes: the same
user, a file system that cannot be written, no new privileges, and memory where the compose file says so.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.containers.conftest import PASSPHRASE, SECONDS, USER, Stack, free_port, write_secrets
from tests.containers.files import compose

from demo.private_postgres import RunningServer

SERVER_PASSWORD = "the server's own"


@dataclasses.dataclass
class BuiltStack(Stack):
    """A stack whose processes live in the root file system of the image."""

    root: Path

    def here(self, text: str) -> str:
        return text

    def environment(self, service: str) -> dict[str, str]:
        return self.named(service)

    def start(self, service: str, *command: str, **options: object) -> subprocess.Popen[str]:
        volumes = {"edms": "/srv/edms", "backups": "/srv/backups", "secrets": "/run/secrets"}
        return entered(
            self.root,
            command,
            environment=self.environment(service),
            user=USER,
            folder="/app/backend",
            volumes={self.work / name: place for name, place in volumes.items()},
            **options,
        )


def entered(
    root: Path,
    command: Sequence[str],
    *,
    environment: dict[str, str],
    user: int,
    volumes: dict[Path, str],
    folder: str = "/",
    **options: object,
) -> subprocess.Popen[str]:
    """A process in a root file system that cannot be written; it is the process itself that gets our signals."""
    place = shlex.quote(str(root))
    steps = [f"mount --bind {place} {place}"]
    steps += [f"mount --rbind /{name} {place}/{name}" for name in ("proc", "dev", "sys")]
    steps += [f"mount -t tmpfs -o mode=1777 tmpfs {place}/tmp", f"mount -t tmpfs tmpfs {place}/run"]
    for source, inside in volumes.items():
        target = f"{place}{inside}"
        steps += [f"mkdir -p {target}", f"mount --bind {shlex.quote(str(source))} {target}"]
    steps.append(f"mount -o remount,bind,ro {place}")
    entering = [
        *("setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
        *(f"--reuid={user}", f"--regid={user}", "--clear-groups"),
    ]
    steps.append(
        f"exec chroot {place} /usr/bin/env -i {shlex.join(f'{k}={v}' for k, v in environment.items())}"
        f" {shlex.join(entering)} /bin/sh -c {shlex.quote(f'cd {folder} && exec {shlex.join(command)}')}"
    )
    return subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-euc", "\n".join(steps)],
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        **options,
    )


@contextlib.contextmanager
def _database(root: Path, work: Path) -> Iterator[RunningServer]:
    """PostgreSQL of the version that the compose file has, with its options."""
    uid = int(next(line.split(":")[2] for line in _users(root) if line.startswith("postgres:")))
    data = work / "data"
    data.mkdir(mode=0o700)
    (given := work / "given").mkdir()
    (given / "password").write_text(SERVER_PASSWORD)
    for path in (data, given / "password"):
        os.chown(path, uid, uid)
    volumes = {data: "/var/lib/postgresql/data", given: "/mnt"}
    port, bin_folder = free_port(), "/usr/lib/postgresql/17/bin"
    environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    words = compose()["services"]["db"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    initdb = ["initdb", "-D", "/var/lib/postgresql/data", "--username=edms", "--auth=scram-sha-256", *words]
    _done(entered(root, [*initdb, "--pwfile=/mnt/password"], environment=environment, user=uid, volumes=volumes))
    command = ["postgres", "-D", "/var/lib/postgresql/data", "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    command += ["-c", "unix_socket_directories=/tmp", "-c", "fsync=off"]
    with (work / "db.log").open("w") as log:
        process = entered(root, command, environment=environment, user=uid, volumes=volumes, stdout=log, stderr=log)
    try:
        _await(work / "db.log", "ready to accept connections", process)
        yield RunningServer(root / bin_folder.lstrip("/"), "127.0.0.1", port, "edms", SERVER_PASSWORD)
    finally:
        process.terminate()
        process.wait(SECONDS)


@contextlib.contextmanager
def _broker(root: Path, work: Path) -> Iterator[int]:
    port = free_port()
    (work / "valkey").mkdir(mode=0o777)
    os.chown(work / "valkey", 999, 999)
    command = [*compose()["services"]["redis"]["command"], "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--dir", "/mnt"]
    with (work / "redis.log").open("w") as log:
        process = entered(
            root,
            command,
            environment={"PATH": "/usr/bin:/bin"},
            user=999,
            volumes={work / "valkey": "/mnt"},
            stdout=log,
            stderr=log,
        )
    try:
        _await(work / "redis.log", "Ready to accept connections", process)
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS)


def _users(root: Path) -> list[str]:
    return (root / "etc/passwd").read_text().splitlines()


def _done(process: subprocess.Popen[str]) -> None:
    assert process.wait(SECONDS) == 0


def _await(log: Path, words: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def stack() -> Iterator[BuiltStack]:
    """Database and broker, the secrets and empty volumes; none of our services."""
    image, services = map(Path, os.environ["EDMS_IMAGE"].split(os.pathsep))
    with contextlib.ExitStack() as cleanup:
        work = Path(tempfile.mkdtemp(prefix="edms-image-"))
        cleanup.callback(shutil.rmtree, work)
        work.chmod(0o755)
        for name in ("edms", "backups"):
            (work / name).mkdir(mode=0o700)
            os.chown(work / name, USER, USER)
        broker = cleanup.enter_context(_broker(services, work))
        database = cleanup.enter_context(_database(services, work))
        database.create_database("edms")
        contents = {
            "database_password": SERVER_PASSWORD,
            "django_secret_key": "k" * 60,
            "backup_passphrase": PASSPHRASE,
        }
        write_secrets(work / "secrets", contents, USER)
        yield BuiltStack(work, database, broker, free_port(), USER, Path("/opt/venv/bin"), image)
