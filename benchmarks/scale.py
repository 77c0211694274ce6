"""Every command on a large catalogue: 100,000 jobs of 1,000 configurations, on SQLite and on PostgreSQL.

    python benchmarks/scale.py [--configurations 1000] [--jobs 100] [--rounds 3] [--database sqlite|postgresql]

`--jobs` is for each configuration. The time is that which a user waits: the whole command, from the start of the
interpreter to its end; the median of the rounds. `manage.py version`, which does nothing, is the floor.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.private_postgres import private_postgres

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"
PASSPHRASE = "benchmark"
COMMANDS = (
    ("version",),
    ("manage_backup_configs", "--list"),
    ("manage_backup_configs", "--stats"),
    ("manage_backup_configs", "--next"),
    ("manage_backup_configs", "--disable", "policy-0007"),
    ("manage_backup_configs", "--enable", "policy-0007"),
    ("backup_jobs",),
    ("backup_jobs", "--status", "FAILED", "--type", "FULL"),
    ("backup_jobs", "--config", "policy-0007"),
    ("backup_jobs", "--show", "LATEST"),
    ("backup_jobs", "--log", "LATEST"),
    ("backup_prune", "--dry-run"),
    ("backup_health",),
    ("trigger_backup", "--config", "policy-0005", "--dry-run"),
    ("backup_run_due", "--dry-run"),
    ("backup_run_due",),
)


def manage(home: Path, *arguments: str, **environment: str) -> str:
    """Run a command; its output."""
    done = subprocess.run(
        [sys.executable, str(BACKEND / "manage.py"), *arguments],
        env={**os.environ, "EDMS_HOME": str(home), "BACKUP_PASSWORD": PASSPHRASE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1, 2}:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def measure(home: Path, rounds: int, **environment: str) -> list[tuple[str, float, float]]:
    """The seconds of every command on the clock, and those of the processor: on a busy machine these tell more."""
    newest = manage(home, "backup_jobs", "--limit", "1", **environment).split("\t")[0]
    found = []
    for command in COMMANDS:
        words = [newest if word == "LATEST" else word for word in command]
        taken, used = [], []
        for _ in range(rounds):
            started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            manage(home, *words, **environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(time.perf_counter() - started)
            used.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        found.append((" ".join(command), statistics.median(taken), statistics.median(used)))
    return found


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads to an empty database."""
    if kind == "sqlite":
        yield {}
        return
    with private_postgres(folder) as server:
        server.create_database("scale")
        yield {"DATABASE_URL": server.url("scale")}


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database(options.database, Path(folder)) as environment:
        home = Path(folder) / "home"
        (home / "media").mkdir(parents=True)
        (home / "media" / "a.txt").write_text("one document")
        manage(home, "migrate", "-v0", **environment)
        manage(home, "trigger_backup", "--type", "FULL", **environment)
        script = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
            "from django.utils import timezone\nfrom benchmarks.large_ledger import fill\n"
            f"fill({options.configurations}, {options.jobs}, now=timezone.now())"
        )
        manage(home, "shell", "-c", script, **environment)
        title = f"{options.configurations * options.jobs:,} jobs, {options.database}"
        table = Table("Command", "Seconds", "Processor", title=title)
        for command, seconds, processor in measure(home, options.rounds, **environment):
            table.add_row(command, f"{seconds:.2f}", f"{processor:.2f}")
        Console().print(table)


if __name__ == "__main__":
    main()
