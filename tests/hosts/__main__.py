"""`make hosts`: every project of the shelf on the versions, databases and servers that it covers, as a table.

Exit code 0 when each cell passed or says what the machine lacks for it, 1 when one failed.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .cells import Cell, covering_cells
from .environments import KEPT, Environment, Environments, build_wheel
from .page import read_page
from .running import Result, run_cells

STYLES = {"passed": "green", "failed": "bold red", "not run": "yellow"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hosts", description=__doc__)
    parser.add_argument("words", nargs="*", help="only cells with each of these words in their names")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (%(default)s)")
    parser.add_argument("--list", action="store_true", help="name the cells, and run nothing")
    chosen = parser.parse_args()
    cells = [cell for cell in covering_cells() if all(word in str(cell) for word in chosen.words)]
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    if chosen.list:
        console.print(_table([Result(cell, "", 0.0, said=cell.project.shape) for cell in cells]))
        return 0
    # Ends what runs beside: servers and agents have process groups of their own.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(
                f"Another `make hosts` is at work in {KEPT}: wait for it, or set HOSTS_KEPT to another folder."
            )
            return 2
        return _run(console, cells, jobs=chosen.jobs)


def _run(console: Console, cells: list[Cell], *, jobs: int) -> int:
    """Build the wheel, run the cells and print the table."""
    results: list[Result] = []
    folder = Path(tempfile.mkdtemp(prefix="hosts-"))
    page = read_page()
    shutil.rmtree(KEPT / "dist", ignore_errors=True)
    build_wheel(page, KEPT / "dist")
    environments = Environments(page, KEPT / "dist")

    def environment(cell: Cell) -> Environment:
        return environments.environment(cell.version, cell.driver, api=cell.project.api)

    for result in run_cells(cells, environment, page=page, folder=folder, jobs=jobs):
        console.print(f"{result.cell}: {result.outcome} {result.step} ({result.seconds:.0f} s)", highlight=False)
        if result.outcome == "failed":
            console.print(result.said[-3000:], markup=False, highlight=False)
        results.append(result)
    results.sort(key=lambda result: cells.index(result.cell))
    return _report(console, results, folder)


def _report(console: Console, results: list[Result], folder: Path) -> int:
    """The table; folders of what failed stay to be looked at."""
    console.print(_table(results))
    failed = [result for result in results if result.outcome == "failed"]
    if failed:
        console.print(f"The folders of what failed: {folder}. The environments: {KEPT / 'environments'}")
    else:
        shutil.rmtree(folder)
    passed = sum(result.outcome == "passed" for result in results)
    other = len(results) - passed - len(failed)
    console.print(f"{passed} passed, {len(failed)} failed, {other} skipped")
    return 1 if failed else 0


def _table(results: list[Result]) -> Table:
    table = Table("project", "versions", "database", "server", "jobs", "result", "seconds", "step or reason")
    for result in results:
        cell = result.cell
        outcome = f"[{STYLES[result.outcome]}]{result.outcome}[/]" if result.outcome else ""
        seconds = f"{result.seconds:.0f}" if result.seconds else ""
        said = result.step or result.said
        table.add_row(
            cell.project.name, cell.version, cell.database, cell.server, cell.executor, outcome, seconds, said
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
