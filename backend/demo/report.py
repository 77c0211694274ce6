"""The end of the story: a table of what was done, and the verdict."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from .compare import Comparison

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Step:
    """A line of the table. Sizes in bytes, None where a step has none."""

    what: str
    result: str
    size: int | None = None
    stored: int | None = None
    seconds: float | None = None


@dataclass
class Report:
    """The steps so far, and every difference found."""

    title: str
    steps: list[Step] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether nothing differed."""
        return not self.differences

    def add(self, step: Step) -> None:
        """Note a step that ended well."""
        self.steps.append(step)

    def compared(self, what: str, tables: Comparison, files: Comparison, seconds: float) -> None:
        """Note a comparison: rows and files, and what differs."""
        for part, comparison in (("tables", tables), ("files", files)):
            if comparison.first:
                more = comparison.differences - 1
                self.differences.append(
                    f"{what}: {part}: {comparison.first}" + (f" (and {more:,} more)" if more else "")
                )
        same = tables.identical and files.identical
        counts = f"{tables.compared:,} rows of {tables.tables} tables, {files.compared:,} files and folders"
        self.add(Step(what, f"{'identical' if same else 'DIFFERENT'}: {counts}", files.size, None, seconds))
        if tables.ledger:
            grown = ", ".join(f"{name} {was}→{now}" for name, (was, now) in tables.ledger.items())
            self.add(Step("", f"catalogue, which survives a restore (rows then→now): {grown}"))

    def print_verdict(self, console: Console) -> None:
        """Whether everything came back, and if not, what differs."""
        if self.identical:
            console.print("identical", style="bold green")
            return
        console.print("DIFFERENT", style="bold red")
        for difference in self.differences:
            console.print(difference, markup=False, highlight=False)

    def print_steps(self, console: Console) -> None:
        """The table of what was done so far."""
        table = Table(title=self.title, title_justify="left", show_lines=False)
        table.add_column("what was done", no_wrap=True)
        table.add_column("result", overflow="fold")
        for name in ("MB", "stored MB", "seconds"):
            table.add_column(name, justify="right", no_wrap=True)
        for step in self.steps:
            seconds = "" if step.seconds is None else f"{step.seconds:.1f}"
            table.add_row(step.what, step.result, _megabytes(step.size), _megabytes(step.stored), seconds)
        console.print(table)


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / MEGABYTE:,.1f}"
