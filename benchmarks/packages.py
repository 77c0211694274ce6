"""Portable packages against what Django and tar do: `dumpdata`, `loaddata` and a tar of the files, in the same run.

    python benchmarks/packages.py [--rows 1000000] [--megabytes 2000] [--database sqlite|postgresql]

Half of the file bytes are random, as those of scans and PDF files look; half are text. Both sides export from the same
system; ours brings the package into an empty system, Django's migrates an empty database and loads into that. Ours
proves what it writes and what it restores by reading it back; theirs does not. Peak memory is that of the largest
process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.private_postgres import private_postgres

BACKEND = Path(__file__).resolve().parent.parent / "backend"
FILL = """
import datetime, random, uuid
from django.db import connection, transaction
from apps.documents.models import AuditEntry, Category, Document
rows = {rows}
words = "minutes letter contract invoice permit drawing plan report annex draft".split()
pick = random.Random(1)
now = datetime.datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
def titles():
    return " ".join(pick.choice(words) for _ in range(6))
with transaction.atomic():
    category = Category.objects.create(name="Correspondence")
    for start in range(0, rows // 2, 5000):
        Document.objects.bulk_create(
            Document(number="DOC-%07d" % n, title=titles(), category=category, created_at=now, updated_at=now)
            for n in range(start, min(start + 5000, rows // 2))
        )
    for start in range(rows // 2, rows, 5000):
        AuditEntry.objects.bulk_create(
            AuditEntry({audit})
            for n in range(start, min(start + 5000, rows))
        )
"""
AUDIT = """
    sequence=n + 1, recorded_at=now, actor="anna", action="VIEWED", object_type="document", object_id=uuid.UUID(int=n),
    details={"title": titles(), "pages": n % 40}, previous_hash="%064x" % (n - 1), field_marks={"at": "1f"},
    hash="%064x" % n,
"""


@dataclass(frozen=True)
class Figures:
    """The cost of one side: seconds on the clock, seconds of processors, bytes of the largest process."""

    seconds: float
    processor: float
    memory: int


def run(*command: str, **environment: str) -> Figures:
    """Run one command and measure it with everything that it starts."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: {said.decode()[-3000:]}")
    return Figures(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def together(*parts: Figures) -> Figures:
    """One after the other."""
    return Figures(
        sum(one.seconds for one in parts), sum(one.processor for one in parts), max(one.memory for one in parts)
    )


@dataclass
class System:
    """An EDMS in a folder."""

    home: Path
    database: str

    def manage(self, *arguments: str) -> Figures:
        settings = {"EDMS_HOME": str(self.home), "DATABASE_URL": self.database, "BACKUP_PASSWORD": "benchmark"}
        return run(sys.executable, str(BACKEND / "manage.py"), *arguments, **settings)

    def fill(self, rows: int, megabytes: int) -> None:
        self.manage("migrate", "-v0")
        self.manage("shell", "-v0", "-c", FILL.replace("{rows}", str(rows)).replace("{audit}", AUDIT))
        text = (b"The documents are filed under the number of their case. " * 20 + b"\n") * 900
        for number in range(megabytes):
            folder = self.home / "media" / f"{number % 50:02}"
            folder.mkdir(parents=True, exist_ok=True)
            content = os.urandom(1_000_000) if number % 2 else text[number % 1000 :][:1_000_000]
            (folder / f"{number:06}.bin").write_bytes(content)


@contextlib.contextmanager
def databases(kind: str, folder: Path) -> Iterator[list[str]]:
    """The addresses of three empty databases."""
    if kind == "sqlite":
        yield ["", "", ""]
        return
    with private_postgres(folder) as server:
        names = ["source", "ours", "theirs"]
        for name in names:
            server.create_database(name)
        yield [server.url(name) for name in names]


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, databases(options.database, Path(name)) as addresses:
        folder = Path(name)
        source, ours, theirs = (
            System(folder / home, address)
            for home, address in zip(("source", "ours", "theirs"), addresses, strict=True)
        )
        for system in (source, ours, theirs):
            system.home.mkdir()
        source.fill(options.rows, options.megabytes)
        package, dump, plain, packed = (folder / one for one in ("p.tar.gz", "d.json", "f.tar", "f.tar.gz"))
        export = source.manage("trigger_backup", "--type", "EXPORT", "--no-encryption", "--output", str(package))
        left = ("--exclude", "contenttypes", "--exclude", "auth.permission", "--exclude", "backup")
        dumped = source.manage("dumpdata", *left, "-o", str(dump))
        media = ("-C", str(source.home), "media")
        tarred = run("tar", "-cf", str(plain), *media)
        zipped = run("tar", "-czf", str(packed), *media)
        imported = ours.manage("restore_backup", "--package", str(package), "--yes")
        loaded = together(theirs.manage("migrate", "-v0"), theirs.manage("loaddata", str(dump)))
        untarred = run("tar", "-xf", str(plain), "-C", str(theirs.home))
        (theirs.home / "again").mkdir()
        unzipped = run("tar", "-xzf", str(packed), "-C", str(theirs.home / "again"))
        sizes = {one: one.stat().st_size for one in (package, dump, plain, packed)}
        show(
            f"{options.rows:,} rows, {options.megabytes:,} MB of files, {options.database}",
            [
                ("export", export, together(dumped, tarred), together(dumped, zipped)),
                ("import", imported, together(loaded, untarred), together(loaded, unzipped)),
            ],
            sizes,
        )


def show(title: str, lines: list[tuple[str, Figures, Figures, Figures]], sizes: dict[Path, int]) -> None:
    """The figures, and how often as fast ours is."""
    table = Table(title=title)
    for head in ("", "ours s", "CPU s", "MB", "Django + tar s", "MB", "times", "Django + tar -z s", "times"):
        table.add_column(head, justify="right")
    for name, ours, plain, packed in lines:
        table.add_row(
            name,
            f"{ours.seconds:.1f}",
            f"{ours.processor:.1f}",
            f"{ours.memory / 1e6:.0f}",
            f"{plain.seconds:.1f}",
            f"{plain.memory / 1e6:.0f}",
            f"{plain.seconds / ours.seconds:.2f}",
            f"{packed.seconds:.1f}",
            f"{packed.seconds / ours.seconds:.2f}",
        )
    console = Console()
    console.print(table)
    console.print("MB on the disk:", ", ".join(f"{path.name} {size / 1e6:.0f}" for path, size in sizes.items()))


if __name__ == "__main__":
    main()
