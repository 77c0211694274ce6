"""What changes in the ledger, told to everybody who listens: one look a second for all of them.

Changes are found by the times at which rows say that they were changed. A transaction that commits late brings a row
that says it was changed earlier, and so does another machine whose clock is behind: every look goes back a while, and
what has been told already is left out. Being told twice does no harm, because an event holds the whole small state of
its object.

An event's id is the time of its change in microseconds since 1970, or a later one where the event before it has that
already, and a part of the object's uuid. It means the same to every process, also after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import weakref
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseFailure
from django.utils import timezone

from ..core.timezones import as_stored, as_text, with_offset
from ..errors import LedgerError
from ..ledger import close_connections
from ..selectors import Change, ChangeType, changes_since

_Found = TypeVar("_Found")

_logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 600.0
"""After so long a stream ends, so that whoever comes again is signed in anew."""
STANDING_SECONDS: Final = 3.0
"""So often it is looked whether those who listen still may."""

MOST_EVENTS: Final = 500
OLDEST: Final = timedelta(hours=1)
"""What changed longer ago, or more than `MOST_EVENTS`, is not told one by one: the listener is told to fetch anew."""

RETRY: Final = b"retry: 2000\n\n"
"""How many milliseconds a listener waits before it comes again."""

READY: Final = "ready"
RESET: Final = "reset"
NAMES: Final = (*ChangeType, READY, RESET)
"""Every name that an event can have."""

_OVERLAP: Final = timedelta(seconds=60)
_MOST_WAITING: Final = 64
"""Looks that a slow listener may be behind before it is left to itself."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = timedelta(microseconds=1)


class Standing(Protocol):
    """Whether somebody may listen. The `key` is the same for all streams of one session or token."""

    @property
    def key(self) -> Hashable: ...

    def holds(self) -> bool:
        """Look in the database; called in a thread of its own."""
        ...


class EventIdInvalid(ValueError):
    """A text that no event has as its id."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """What listeners are told. `name` is the type of the object that has changed, or `ready` or `reset`."""

    id: str
    name: str
    state: dict[str, object]

    def encode(self) -> bytes:
        """As server-sent events are written."""
        data = json.dumps(self.state, cls=_Exactly, separators=(",", ":"))
        return f"id: {self.id}\nevent: {self.name}\ndata: {data}\n\n".encode()


class _Exactly(DjangoJSONEncoder):
    """Times as everywhere in the API, with all their microseconds."""

    def default(self, o: object) -> object:
        return as_text(o) if isinstance(o, datetime) else super().default(o)


def moment_of(event_id: str) -> datetime:
    """The time that an id stands for. Raises `EventIdInvalid`."""
    digits = event_id.partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 17):
        raise EventIdInvalid(f"{event_id[:40]!r} is no id of an event.")
    moment = _EPOCH + int(digits) * _INSTANT
    return as_stored(moment)


def _microseconds(moment: datetime) -> int:
    return (with_offset(moment) - _EPOCH) // _INSTANT


class _Numbering:
    """Gives events their ids, each greater than the one before."""

    def __init__(self, moment: datetime) -> None:
        self._last = _microseconds(moment)

    def event(self, change: Change, *, now: datetime) -> Event:
        # What a clock that is wrong has dated ahead must not carry the listeners ahead.
        self._last = max(self._last + 1, min(_microseconds(change.changed_at), _microseconds(now)))
        state = {field.name: getattr(change, field.name) for field in dataclasses.fields(change)}
        return Event(f"{self._last:016}-{change.uuid.hex[:8]}", change.type, state)

    def now(self, moment: datetime) -> str:
        """An id for everything until that moment."""
        self._last = max(self._last, _microseconds(moment))
        return f"{self._last:016}-0"


@dataclasses.dataclass(frozen=True, slots=True)
class Past:
    """What a listener has missed, and the id from which to go on."""

    events: tuple[Event, ...]
    cursor: str


def past(since: str | None, *, now: datetime) -> Past:
    """What has changed since an event; without one nothing, but an id to begin with. Raises `EventIdInvalid`.

    What committed late is told again with what came a while before the event.
    """
    cursor = _Numbering(now).now(now)
    if since is None:
        return Past((Event(cursor, READY, {"type": READY}),), cursor)
    moment = moment_of(since)
    if moment < now - OLDEST:
        return _reset(cursor)
    moment = min(moment, now) - _OVERLAP
    changes = changes_since(moment, limit=MOST_EVENTS)
    if len(changes) > MOST_EVENTS:
        return _reset(cursor)
    numbering = _Numbering(moment)
    return Past(tuple(numbering.event(change, now=now) for change in changes), cursor)


def _reset(cursor: str) -> Past:
    return Past((Event(cursor, RESET, {"type": RESET}),), cursor)


class Looker:
    """Finds what has changed from one look to the next."""

    def __init__(self, *, now: datetime) -> None:
        self._numbering = _Numbering(now)
        self._told: set[object] = set()
        self._last = now

    def look(self, *, now: datetime) -> list[Event]:
        """What is new; one event `reset` if there is more than can be told one by one."""
        changes = changes_since(min(self._last, now) - _OVERLAP, limit=MOST_EVENTS)
        fresh = [change for change in changes if change.key not in self._told]
        # Of very many changes the oldest are missing here; they matter where even those of this second are too many.
        too_many = len(changes) > MOST_EVENTS and changes[0].changed_at > self._last
        self._told, self._last = {change.key for change in changes}, now
        if too_many:
            return [Event(self._numbering.now(now), RESET, {"type": RESET})]
        return [self._numbering.event(change, now=now) for change in fresh]

    @property
    def cursor(self) -> str:
        """The id of everything that was told until the last look."""
        return self._numbering.now(self._last)


@dataclasses.dataclass(eq=False, slots=True)
class _Listener:
    waiting: asyncio.Queue[bytes]
    standing: Standing | None = None
    dropped: bool = False

    def drop(self) -> None:
        """End its stream; what waits is not told any more."""
        self.dropped = True
        with contextlib.suppress(asyncio.QueueFull):
            self.waiting.put_nowait(b"")


class Broadcaster:
    """Tells the listeners of one event loop. It looks while there are any, in a thread, and encodes what it finds once
    for all of them."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._cursor = ""

    async def stream(self, since: str | None, standing: Standing | None = None) -> AsyncGenerator[bytes, None]:
        """What somebody hears who has heard everything until the event `since`, from now on.

        Ends after `STREAM_SECONDS`, and when a listener is too slow: it comes again and goes on where it was. Ends also
        when somebody may not listen any more, or when that cannot be found out.
        Raises `EventIdInvalid`, `LedgerUnavailable`.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + STREAM_SECONDS
        listener = self._join(standing)
        try:
            yield RETRY
            # Asked after it has joined: what happens meanwhile is told twice rather than not at all.
            missed = await asyncio.to_thread(_closing, past, since)
            yield b"".join(event.encode() for event in missed.events)
            while not listener.dropped and clock() < end:
                try:
                    async with asyncio.timeout(min(HEARTBEAT_SECONDS, end - clock())):
                        block = await listener.waiting.get()
                except TimeoutError:
                    # The id without an event moves on from where the listener resumes.
                    block = b": still here\n" + (f"id: {self._cursor}\n" if self._cursor else "").encode() + b"\n"
                if not listener.dropped:
                    yield block
        finally:
            self._listeners.discard(listener)

    def _join(self, standing: Standing | None) -> _Listener:
        listener = _Listener(asyncio.Queue(_MOST_WAITING), standing)
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return listener

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        looker, failing = Looker(now=timezone.now()), False
        asked = clock()
        try:
            while self._listeners:
                began = clock()
                if began - asked >= STANDING_SECONDS:
                    asked = began
                    await self._drop_who_may_not_listen()
                try:
                    events = await asyncio.to_thread(_closing, looker.look)
                except LedgerError as error:
                    # It may come back; what has changed by then is found by the next look that succeeds.
                    if not failing:
                        _logger.warning("Listeners are told nothing for the time being: %s", error)
                    failing = True
                else:
                    failing, self._cursor = False, looker.cursor
                    self._tell(events)
                await asyncio.sleep(max(0.0, began + LOOK_SECONDS - clock()))
        finally:
            self._looking, self._cursor = None, ""

    async def _drop_who_may_not_listen(self) -> None:
        """Asked once for all streams of a session or token."""
        standings = {one.standing.key: one.standing for one in self._listeners if one.standing is not None}
        lost = await asyncio.to_thread(_lost, list(standings.values()))
        for listener in list(self._listeners):
            if listener.standing is not None and listener.standing.key in lost:
                listener.drop()
                self._listeners.discard(listener)

    def _tell(self, events: Sequence[Event]) -> None:
        if not events:
            return
        block = b"".join(event.encode() for event in events)
        for listener in list(self._listeners):
            try:
                listener.waiting.put_nowait(block)
            except asyncio.QueueFull:
                listener.drop()
                self._listeners.discard(listener)


_broadcasters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Broadcaster] = weakref.WeakKeyDictionary()


async def listen(since: str | None, standing: Standing | None = None) -> AsyncGenerator[bytes, None]:
    """`Broadcaster.stream` of the one that serves this event loop: one for a process, as servers are made."""
    broadcaster = _broadcasters.setdefault(asyncio.get_running_loop(), Broadcaster())
    async with contextlib.aclosing(broadcaster.stream(since, standing)) as blocks:
        async for block in blocks:
            yield block


def _closing(ask: Callable[..., _Found], *arguments: object) -> _Found:
    """Ask in a thread, which belongs to nobody and keeps no connection."""
    try:
        return ask(*arguments, now=timezone.now())
    finally:
        close_connections()


def _lost(standings: Sequence[Standing]) -> set[Hashable]:
    """The keys of those that do not hold. Whoever cannot be asked about is not told more: a new stream shows why."""
    lost: set[Hashable] = set()
    try:
        for standing in standings:
            try:
                holds = standing.holds()
            except Exception as error:
                # Also what a backend of the project's own raises for one user: the others listen on.
                known = isinstance(error, DatabaseFailure)
                said = "A stream of events ends, since its listener's rights cannot be read: %s"
                _logger.warning(said, error, exc_info=None if known else error)
                holds = False
            if not holds:
                lost.add(standing.key)
    finally:
        close_connections()
    return lost
