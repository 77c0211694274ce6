"""The identity of the process that runs a job, in a form that another process can check later.

A process is named by its host, its number and its start: systems use numbers again, but a number with its start is
unique. The boot and the process namespace belong to the host's name, since a number means nothing outside of them.
"""

import dataclasses
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from django.conf import settings


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process on one host. `start` is opaque text that is equal for the same process only."""

    host: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.host.split('/')[0]}:{self.pid}"


class HasWorker(Protocol):
    """A row of the catalogue that says which process works on it."""

    worker_host: str
    worker_pid: int | None
    worker_process_start: str


def process_of(row: HasWorker) -> ProcessIdentity:
    """Return the process that works on a job or an operation."""
    return ProcessIdentity(host=row.worker_host, pid=row.worker_pid or 0, start=row.worker_process_start)


def command_line(command: str, *arguments: str, environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that run a management command in a process of its own.

    No secret may be among the arguments.
    """
    child = dict(environment)
    child["DJANGO_SETTINGS_MODULE"] = str(settings.SETTINGS_MODULE)
    child["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return [sys.executable, "-m", "django", command, *arguments], child


def own_identity() -> ProcessIdentity:
    """Return the identity of this process."""
    pid = os.getpid()
    return ProcessIdentity(host=_host(), pid=pid, start=_start(pid) or "")


def is_gone(process: ProcessIdentity) -> bool:
    """Return whether that process has certainly ended; False while it runs, and if this host cannot tell."""
    if process.host != _host() or not process.start:
        return False
    return _start(process.pid) != process.start


def _host() -> str:
    name = socket.gethostname()
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    if boot.exists() and namespace.is_symlink():
        return f"{name}/{boot.read_text().strip()}/{namespace.readlink()}"
    return name


def _start(pid: int) -> str | None:
    """Return the start of a process; None if there is no such process, or if it is a zombie."""
    if Path("/proc/self/stat").exists():
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The second field is the program's name in brackets and may hold anything, brackets too.
        fields = text[text.rindex(")") + 2 :].split()
        return None if fields[0] in {"Z", "X", "x"} else fields[19]
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(listed) < 2 or listed[0].startswith("Z") else listed[1].strip()
