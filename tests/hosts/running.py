"""Cells one after the other or side by side, and what came of each."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from .cells import Cell
from .environments import Environment, InstallFailed, NotRun
from .installed import Host
from .journey import Journey
from .page import Page
from .services import Services


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The result of a cell. `outcome` is `passed`, `failed` or `not run`; `said` is why, and what the step printed."""

    cell: Cell
    outcome: str
    seconds: float
    step: str = ""
    said: str = ""


def run_cells(
    cells: Iterable[Cell],
    environment: Callable[[Cell], Environment],
    *,
    page: Page,
    folder: Path,
    jobs: int,
) -> Iterator[Result]:
    """Run cells, each in a folder of its own, which stays where it failed; results come as cells end."""
    with Services(folder) as services:
        pool = ThreadPoolExecutor(jobs)
        try:
            further = {"page": page, "services": services, "folder": folder}
            for future in as_completed([pool.submit(run_cell, cell, environment, **further) for cell in cells]):
                yield future.result()
        finally:
            # Ctrl-C ends what runs, and nothing further is begun.
            pool.shutdown(cancel_futures=True)


def run_cell(
    cell: Cell, environment: Callable[[Cell], Environment], *, page: Page, services: Services, folder: Path
) -> Result:
    """Run one cell. An exception of a step is the failure of the cell."""
    began = time.monotonic()
    place = folder / str(cell)
    journey: Journey | None = None
    try:
        place.mkdir(parents=True)
        journey = Journey(Host(cell, environment(cell), services, place), page)
        journey.go()
    except NotRun as reason:
        return Result(cell, "not run", time.monotonic() - began, said=str(reason))
    except InstallFailed as error:
        return Result(cell, "failed", time.monotonic() - began, "install", str(error))
    except Exception as error:  # noqa: BLE001  whatever a step meets is what the table has to say
        step = journey.step if journey else "lay out"
        return Result(cell, "failed", time.monotonic() - began, step, f"{type(error).__name__}: {error}")
    shutil.rmtree(place)
    return Result(cell, "passed", time.monotonic() - began)
