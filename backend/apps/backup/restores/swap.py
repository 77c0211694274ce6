"""Swap all that a restore has staged, undo the swap, roll back and release.

The journal is written before each step. All staged components are complete, verified and on the disk before the first
one is moved, so that an interrupted swap can always be completed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator, Sequence

from django.db import connections

from ..errors import BackupError, JournalUnwritable, RestoreFailed, RestoreRefused, RestoreUnfinished
from .engines.files import exchange
from .engines.files.swap import discard
from .engines.registry import swap_engine
from .journal import KEPT, UNFINISHED, Component, Journal, State, journals, only_restore


def _mark(journal: Journal, component: Component, step: str) -> None:
    component.step = step
    journal.save()


def _move_all(
    journal: Journal,
    components: Sequence[Component],
    *,
    move: Callable[[Journal, Component], None],
    exchange_all: Callable[[Sequence[Component], uuid.UUID, Callable[[Component, str], None]], None],
) -> None:
    """Move each component, and at the end those that are exchanged in one step.

    Slow moves come first, so that the time with the database of one day and the files of another is as short as
    possible.
    """
    quick = [one for one in components if one.step in exchange.STEPS]
    for component in [one for one in components if one.step not in exchange.STEPS]:
        move(journal, component)
    exchange_all(quick, journal.restore, functools.partial(_mark, journal))


def _forward(journal: Journal, component: Component) -> None:
    swap_engine(component).forward(component, functools.partial(_mark, journal, component))


def _backward(journal: Journal, component: Component) -> None:
    swap_engine(component).backward(component, functools.partial(_mark, journal, component))


def discard_staged(journal: Journal) -> None:
    """Remove the staged components, and close the journal of a restore that has changed nothing."""
    for component in journal.components:
        swap_engine(component).discard(component, component.staged)
    journal.enter(State.UNDONE)


def swap(journal: Journal) -> None:
    """Make the staged components live, all or none of them.

    Raises the error of a failed step after the old components are back, and `RestoreUnfinished` if they could not be
    put back either, or if the journal could not record that all of them are live.
    """
    connections.close_all()
    os.sync()
    for component in journal.components:
        exchange.prepare_forward(component, journal.restore)
    journal.enter(State.SWAPPING)
    try:
        _move_all(journal, journal.components, move=_forward, exchange_all=exchange.forward)
        for component in journal.components:
            swap_engine(component).settle(component)
    except BaseException as error:
        try:
            undo(journal)
        except Exception as failure:
            raise RestoreUnfinished(
                f"The swap failed ({error}), and what it had replaced could not be put back ({failure}). Mend that, and"
                " run `restore_backup --list`, which completes it; until then see"
                f" {' and '.join(_kept_places(journal))}."
            ) from failure
        raise
    try:
        journal.enter(State.SWAPPED)
    except JournalUnwritable as error:
        raise RestoreUnfinished(f"The restored state is live, and the replaced state is kept. But: {error}") from error


def _kept_places(journal: Journal) -> list[str]:
    """Return texts on the places where the old components may lie."""
    return [f"{one.kept} for {one.live}" for one in journal.components if one.had_live]


def undo(journal: Journal) -> None:
    """Put the old components back after a swap that could not be completed, and remove the new ones."""
    journal.enter(State.UNDOING)
    _move_all(journal, journal.components[::-1], move=_backward, exchange_all=exchange.backward)
    discard_staged(journal)


def recover(record_result: Callable[[Journal], None]) -> list[str]:
    """Complete or undo interrupted restores, and return a text for each. Does nothing while a restore is running.

    `record_result` records the result of a restore in the catalogue. Raises `JournalUnwritable` and `RestoreFailed` if
    that cannot be done now; the live system may be partly old and partly new until it is done.
    """
    if not any(journal.state in UNFINISHED for journal in journals()):
        return []
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(only_restore())
        except RestoreRefused:
            return []
        return [_recover_one(journal, record_result) for journal in journals() if journal.state in UNFINISHED]


def _recover_one(journal: Journal, record_result: Callable[[Journal], None]) -> str:
    """Recover one restore. Leftovers that cannot be deleted do not stop backups and restores."""
    only_deletes = journal.state in (State.STAGING, State.RELEASING)
    try:
        return _recover(journal, record_result)
    except BackupError as error:
        if not only_deletes:
            raise
        return (
            f"Leftovers of the restore {journal.restore} of {journal.backup} cannot be deleted yet. Each restore and"
            f" backup tries again: {error} The live system is whole."
        )


def _recover(journal: Journal, record_result: Callable[[Journal], None]) -> str:
    connections.close_all()
    try:
        result = _complete(journal)
    except OSError as error:
        raise RestoreFailed(
            f"The restore {journal.restore} of {journal.backup} was cut off and cannot be completed: {error}."
            " Mend that, and run `restore_backup --list`."
        ) from error
    record_result(journal)
    return f"The restore {journal.restore} of {journal.backup} was cut off {result}"


def _complete(journal: Journal) -> str:
    if journal.state is State.STAGING:
        discard_staged(journal)
        return "before anything live was changed; what it had prepared was removed."
    if journal.state is State.UNDOING:
        undo(journal)
        return "while the old state was put back; that was completed."
    if journal.state is State.ROLLING_BACK:
        complete_rollback(journal)
        return "while it was rolled back; that was completed."
    if journal.state is State.RELEASING:
        complete_release(journal)
        return "while what it had replaced was deleted; that was completed."
    if journal.state is State.SWAPPING:
        swap(journal)
    return "in the middle; it was completed, and what it replaced is kept."


def kept_journal(restore: str) -> Journal:
    """Return the journal of a restore that can be rolled back or released, by its uuid or an unambiguous prefix."""
    found = [journal for journal in journals() if str(journal.restore).startswith(restore.lower())]
    if len(found) != 1:
        raise RestoreRefused(f"{len(found) or 'No'} restores match {restore!r}. `restore_backup --list` shows all.")
    if found[0].state is State.RELEASING:
        raise RestoreRefused(
            f"The restore {found[0].restore} is being released already. `restore_backup --list` continues the"
            " release, and names what prevents it."
        )
    if found[0].state not in KEPT:
        raise RestoreRefused(f"The restore {found[0].restore} is {found[0].state.value}; nothing of it is kept.")
    return found[0]


def require_rollback(journal: Journal) -> None:
    """Raise `RestoreRefused` for a rollback to a state that did not exist."""
    absent = [component.name for component in journal.components if not component.had_live]
    if absent:
        raise RestoreRefused(
            f"Before the restore {journal.restore} there was no {', '.join(absent)}; there is nothing to go back to."
        )
    later = [
        other.restore
        for other in journals()
        if other.state in KEPT and other.created_at > journal.created_at and other.restore != journal.restore
    ]
    if later:
        raise RestoreRefused(f"The restore {later[-1]} came later; roll that one back, or release it, first.")


def complete_rollback(journal: Journal) -> None:
    """Make the old components live again, and remove the restored ones. Raises `RestoreUnfinished`.

    Components whose engine says `rolls_back_first` come first: sessions that cannot be ended may use them. If the first
    of them fails, nothing has changed: the state before holds, and nothing is left to be completed.
    """
    connections.close_all()
    before = journal.state
    for component in journal.components:
        exchange.prepare_back(component, journal.restore)
    journal.enter(State.ROLLING_BACK)
    order = journal.components[::-1]
    order.sort(key=lambda component: not swap_engine(component).rolls_back_first)

    def move(journal: Journal, component: Component) -> None:
        try:
            _backward(journal, component)
        except RestoreFailed:
            engine = swap_engine(component)
            if before in KEPT and component is order[0] and engine.rolls_back_first:
                engine.cancel_backward(component)
                for one in journal.components:
                    exchange.cancel_back(one)
                journal.enter(before)
            raise

    with _unfinished_on_error(f"The rollback of the restore {journal.restore}"):
        _move_all(journal, order, move=move, exchange_all=exchange.backward)
        for component in journal.components:
            swap_engine(component).discard(component, component.staged)
        journal.enter(State.ROLLED_BACK)


def complete_release(journal: Journal) -> None:
    """Delete what the restore replaced. Raises `RestoreUnfinished`."""
    journal.enter(State.RELEASING)
    with _unfinished_on_error(f"The release of the restore {journal.restore}"):
        for component in journal.components:
            if component.kept == component.live:
                raise RestoreFailed(
                    f"The journal of {journal.restore} would delete the live {component.live}; repair it."
                )
            swap_engine(component).discard(component, component.kept)
            for path in component.aside:
                discard(path)
        journal.enter(State.RELEASED)


@contextlib.contextmanager
def _unfinished_on_error(what: str) -> Iterator[None]:
    """Translate an error of the disk to `RestoreUnfinished`: the journal has the rest, and recovery completes it."""
    try:
        yield
    except (JournalUnwritable, OSError) as error:
        raise RestoreUnfinished(
            f"{what} is not complete: {error} Whatever restores or backs up next, and `restore_backup --list`, goes on"
            " with it."
        ) from error
