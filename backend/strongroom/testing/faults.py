"""A backend that fails on purpose: at the n-th operation, before or after its effect, once or for good."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from strongroom.backends.base import Backend, FileHandle, Leftover, StoredFile
from strongroom.errors import BackendError
from strongroom.ids import FileKind
from strongroom.streams import Buffer

Result = TypeVar("Result")


class InjectedFault(BackendError):
    """A failure that a test asked for."""


@dataclasses.dataclass(slots=True)
class Fault:
    """Which operation fails (counted from 0 over all of them) and how.

    `after_effect`: the operation is done and its answer lost, as when a connection breaks at the last moment.
    `fatal`: every later operation fails too without any effect, as when the process were killed there.
    """

    at: int
    after_effect: bool = False
    fatal: bool = True
    error: Callable[[str], BackendError] = InjectedFault


class FaultyBackend:
    """Passes everything to `inner` and counts; `operations` names what was asked for, in order."""

    def __init__(self, inner: Backend, fault: Fault | None = None) -> None:
        self.inner = inner
        self.fault = fault
        self.operations: list[str] = []
        self._guard = threading.Lock()
        self._dead = False

    @property
    def location(self) -> str:
        return self.inner.location

    def create(self) -> None:
        self._pass("create", self.inner.create)

    def save(self, handle: FileHandle, parts: Sequence[Buffer]) -> None:
        self._pass(f"save {handle}", lambda: self.inner.save(handle, parts))

    def load(self, handle: FileHandle) -> bytes:
        return self._pass(f"load {handle}", lambda: self.inner.load(handle))

    def load_range(self, handle: FileHandle, offset: int, length: int) -> bytes:
        return self._pass(f"load_range {handle}", lambda: self.inner.load_range(handle, offset, length))

    def size(self, handle: FileHandle) -> int:
        return self._pass(f"size {handle}", lambda: self.inner.size(handle))

    def list_files(self, kind: FileKind) -> Iterator[StoredFile]:
        return iter(self._pass(f"list {kind.value}", lambda: list(self.inner.list_files(kind))))

    def remove(self, handle: FileHandle) -> None:
        self._pass(f"remove {handle}", lambda: self.inner.remove(handle))

    def list_leftovers(self) -> Iterator[Leftover]:
        return iter(self._pass("list leftovers", lambda: list(self.inner.list_leftovers())))

    def remove_leftover(self, leftover: Leftover) -> None:
        self._pass(f"remove {leftover.name}", lambda: self.inner.remove_leftover(leftover))

    def _pass(self, operation: str, call: Callable[[], Result]) -> Result:
        with self._guard:
            number = len(self.operations)
            self.operations.append(operation)
            fault = self.fault if self.fault and self.fault.at == number else None
            if self._dead:
                raise InjectedFault(f"{operation}: the storage has been gone since operation {number - 1} or before.")
            if fault and fault.fatal:
                self._dead = True
        if fault and not fault.after_effect:
            raise fault.error(f"{operation}: injected fault at operation {number}.")
        result = call()
        if fault:
            raise fault.error(f"{operation}: injected fault after operation {number}.")
        return result
