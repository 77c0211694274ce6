"""Backups of the same files side by side: ours, the stock restic, and `cp -r` for scale.

    python benchmarks/run.py [--files 20000] [--bytes 2400000000] [--rounds 3] [--folder DIR]

The files are chosen from this machine, imported into an EDMS on SQLite, and backed up by every contestant in turn,
round after round, each time into a new place. A FULL backup of ours does more than the others: it also captures the
database, compares it with the files, and reads everything back before it calls itself a success.

Further restic binaries may be named in RESTIC_BINARIES, separated by colons. Figures are medians with their range;
only the ratios of one run mean anything. A peak of memory below this program's own (about 100 MB) cannot be seen: a
process begins with the peak of the one that started it.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("/usr/share", "/usr/lib", "/usr/include", "/usr/bin", "/usr/local", "/opt", "/usr/src")
LARGEST = 200_000_000
PASSPHRASE = "benchmark"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of one contestant: seconds of wall clock and processor, peak bytes of memory, bytes stored."""

    wall: float
    processor: float
    memory: int
    stored: int


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Prepares a new place, then runs the command that is measured."""

    name: str
    prepare: Callable[[Path], None]
    command: Callable[[Path], Sequence[str]]
    environment: Callable[[Path], Mapping[str, str]]


def choose(count: int, total: int) -> list[Path]:
    """So many files of this machine with about so many bytes together, small and large ones mixed."""
    found: list[tuple[int, Path]] = []
    for source in SOURCES:
        for folder, _, names in os.walk(source):
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    found.append((path.stat().st_size, path))
    found = [(size, path) for size, path in found if size <= LARGEST]
    random.Random(1).shuffle(found)
    mean = total / count
    small = [entry for entry in found if entry[0] <= mean]
    large = [entry for entry in found if entry[0] > mean]
    chosen: list[Path] = []
    size = 0
    while len(chosen) < count and (small or large):
        pool = large if large and (size < mean * len(chosen) or not small) else small
        bytes_, path = pool.pop()
        chosen.append(path)
        size += bytes_
    return chosen


def collect(paths: Sequence[Path], folder: Path) -> tuple[int, int]:
    """Copy the chosen files below `folder`; how many there are and their bytes."""
    size = 0
    for path in paths:
        target = folder / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        size += target.stat().st_size
    return len(paths), size


def measure(command: Sequence[str], environment: Mapping[str, str], place: Path) -> Run:
    """Run a command to its end; it must succeed."""
    os.sync()
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status):
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read().decode(errors='replace')}")
    stored = sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, stored)


def restic(binary: str, files: Path) -> Contestant:
    """The stock restic, with its defaults and no cache on the disk."""
    version = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def variables(place: Path) -> Mapping[str, str]:
        return {"RESTIC_PASSWORD": PASSPHRASE, "RESTIC_REPOSITORY": str(place)}

    def prepare(place: Path) -> None:
        run([binary, "init"], variables(place))

    return Contestant(
        f"restic {version} backup", prepare, lambda _: [binary, "--no-cache", "backup", str(files)], variables
    )


def strongroom(files: Path) -> Contestant:
    """Our engine by its own command, which does what restic's does."""

    def variables(place: Path) -> Mapping[str, str]:
        return {
            "BACKUP_PASSWORD": PASSPHRASE,
            "STRONGROOM_REPOSITORY": str(place),
            "PYTHONPATH": str(ROOT / "backend"),
        }

    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "strongroom.cli", *words]

    def prepare(place: Path) -> None:
        run(command("init"), variables(place))

    return Contestant("strongroom backup", prepare, lambda _: command("backup", str(files)), variables)


def full(home: Path) -> Contestant:
    """A FULL backup of the EDMS: files and database, read back."""

    def prepare(place: Path) -> None:
        strongroom(home).prepare(place / "repository")

    return Contestant(
        "trigger_backup --type FULL",
        prepare,
        lambda _: manage("trigger_backup", "--type", "FULL"),
        lambda place: edms(home, place),
    )


def copy(files: Path) -> Contestant:
    """No backup, only for scale."""
    return Contestant("cp -r", lambda _: None, lambda place: ["cp", "-r", str(files), str(place)], lambda _: {})


def edms(home: Path, storage: Path) -> dict[str, str]:
    """The environment of the EDMS."""
    return {"EDMS_HOME": str(home), "BACKUP_STORAGE_ROOT": str(storage), "BACKUP_PASSWORD": PASSPHRASE}


def manage(*words: str) -> list[str]:
    """A management command."""
    return [sys.executable, str(ROOT / "backend/manage.py"), *words]


def run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Something that is not measured; it must succeed."""
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def report(console: Console, results: Mapping[str, list[Run]], base: str) -> None:
    """A row a contestant; the ratio is that of the wall clocks round by round, `base` being 1."""
    console.width = max(console.width, 120)
    table = Table("", "wall s", "processor s", "peak memory", "stored", f"wall / {base}", box=None, header_style="bold")
    for name, runs in results.items():
        ratios = [mine.wall / other.wall for mine, other in zip(runs, results[base], strict=True)]
        table.add_row(
            name,
            spread([one.wall for one in runs]),
            f"{statistics.median(one.processor for one in runs):.1f}",
            decimal(max(one.memory for one in runs)),
            decimal(round(statistics.median(one.stored for one in runs))),
            spread(ratios, digits=2),
        )
    console.print(table)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median (least to most)."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    """Prepare, run in turn, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--bytes", type=int, default=2_400_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-") as name:
        work = Path(name)
        count, size = collect(choose(options.files, options.bytes), work / "corpus")
        home = work / "home"
        home.mkdir()
        run(manage("migrate"), edms(home, work / "none"))
        run(manage("import_documents", str(work / "corpus")), edms(home, work / "none"))
        shutil.rmtree(work / "corpus")
        files = home / "media"
        binaries = [shutil.which("restic"), *os.environ.get("RESTIC_BINARIES", "").split(":")]
        contestants = [restic(binary, files) for binary in binaries if binary]
        if not contestants:
            sys.exit("restic is not installed; `tools/install-test-tools` tries to.")
        contestants += [strongroom(files), full(home), copy(files)]
        console.print(f"{count:,} files, {decimal(size)}; {os.cpu_count()} processors; {options.rounds} rounds in turn")
        results: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
        for number in range(options.rounds):
            for contestant in contestants:
                place = work / f"place-{number}"
                contestant.prepare(place)
                command, environment = contestant.command(place), contestant.environment(place)
                results[contestant.name].append(measure(command, environment, place))
                shutil.rmtree(place)
        report(console, results, contestants[0].name)


if __name__ == "__main__":
    main()
