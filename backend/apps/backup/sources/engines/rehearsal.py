"""The result of a rehearsal: the schema of a stored dump is restored into an empty database, which is dropped again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final

from ...models import RehearsalState

RESTRICTED: Final = (
    "Create the role that it names, make the role that restores a member of it (GRANT … TO …), or restore as a"
    " superuser"
)
"""The remedy for a revocation that cannot be replayed."""
_MOST_STORED: Final = 50


@dataclass(frozen=True)
class Failure:
    """An object that cannot be created; `hint` is the remedy, `selector` the object's name for `--leave-out`."""

    object: str
    reason: str
    hint: str
    sql: str
    selector: str

    def __str__(self) -> str:
        return f"{self.object}: {self.reason}. {self.hint}".strip()


@dataclass(frozen=True)
class Rehearsal:
    """The result for one database: PASSED, FAILED, or IMPOSSIBLE for a reason outside of the backup.

    `weaker` are revocations that cannot be replayed, `notes` what a restore would not bring back as it was.
    """

    state: str
    reason: str = ""
    failures: list[Failure] = field(default_factory=list)
    weaker: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def obstacles(self) -> list[str]:
        """The obstacles to a restore, as texts."""
        weaker = [f"a restriction cannot be given back: {one}. {RESTRICTED}" for one in self.weaker]
        return [str(one) for one in self.failures] + weaker

    def to_json(self) -> dict[str, object]:
        """Return the result for the catalogue and for programs, with at most 50 entries of each list."""
        values = asdict(self)
        for name in ("failures", "weaker", "notes"):
            values[name] = values[name][:_MOST_STORED]
        return values


@dataclass(frozen=True)
class Rehearsals:
    """The rehearsals of all databases of a backup, by alias; empty if none of them can be rehearsed."""

    by_alias: dict[str, Rehearsal] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The worst state."""
        states = {one.state for one in self.by_alias.values()}
        order = (RehearsalState.FAILED, RehearsalState.IMPOSSIBLE, RehearsalState.PASSED)
        return next((state.value for state in order if state in states), RehearsalState.NONE.value)

    @property
    def is_obstacle(self) -> bool:
        """Whether the rehearsal has not shown that a restore works."""
        return self.state in {RehearsalState.FAILED, RehearsalState.IMPOSSIBLE}

    def warnings(self) -> list[str]:
        """Return the warnings for the job."""
        lines = []
        for alias, one in self.by_alias.items():
            lines += [f"The database {alias!r} cannot be restored as it is: {obstacle}." for obstacle in one.obstacles]
            if one.state == RehearsalState.IMPOSSIBLE:
                lines.append(f"The restore of the database {alias!r} could not be rehearsed: {one.reason}")
        return lines[:_MOST_STORED]

    def to_json(self) -> dict[str, object]:
        """Return the results for the catalogue, by alias."""
        return {alias: one.to_json() for alias, one in self.by_alias.items()}
