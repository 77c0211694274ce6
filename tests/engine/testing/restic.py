"""Repositories with cheap keys, and every restic of this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from strongroom.format.key import Cost

PASSPHRASE = "correct horse battery staple"
CHEAP = Cost(n=128, r=1, p=1)


def restic_binaries() -> list[str]:
    """Return Debian's `restic` from the path, and the binaries in RESTIC_BINARIES, separated by colons."""
    named = [path for path in os.environ.get("RESTIC_BINARIES", "").split(":") if path]
    found = shutil.which("restic")
    return ([found] if found else []) + named


class Restic:
    """The stock restic on one of our repositories."""

    def __init__(self, binary: str, repository: Path) -> None:
        self.binary = binary
        self.repository = repository

    def run(self, *arguments: str, code: int = 0, cwd: Path | None = None) -> str:
        environment = {
            **os.environ,
            "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_REPOSITORY": str(self.repository),
            "RESTIC_PROGRESS_FPS": "0.01",
        }
        done = subprocess.run(
            [self.binary, "--no-cache", *arguments],
            check=False,
            env=environment,
            capture_output=True,
            cwd=cwd,
            timeout=300,
        )
        output = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == code, f"restic {' '.join(arguments)}: exit {done.returncode}\n{output}"
        return done.stdout.decode("utf-8", "surrogateescape")

    def check(self) -> None:
        self.run("check", "--read-data")


def let_everybody_through(place: Path) -> None:
    """Open the folders of pytest, which only their owner can access, to another user."""
    for folder in (place, *place.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o055)


def environment() -> dict[str, str]:
    """Return the environment of a child process that imports what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
