"""Fault injection: a backend that fails at the n-th operation, before or after its effect, once or permanently."""

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
    """A failure that a test has requested."""


@dataclasses.dataclass(slots=True)
class Fault:
    """The operation that fails, counted from 0 over all operations, and the kind of failure.

    `after_effect`: the operation takes effect, but its answer is lost, as if the connection broke at the end.
    `fatal`: every later operation fails without effect, as if the process was killed.
    """

    at: int
    after_effect: bool = False
    fatal: bool = True
    error: Callable[[str], BackendError] = InjectedFault


class FaultyBackend:
    """Pass every operation to `inner`. `operations` lists the requested operations in order."""

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
                raise InjectedFault(f"{operation}: the storage has failed at operation {number - 1} or before.")
            if fault and fault.fatal:
                self._dead = True
        if fault and not fault.after_effect:
            raise fault.error(f"{operation}: injected fault at operation {number}.")
        result = call()
        if fault:
            raise fault.error(f"{operation}: injected fault after operation {number}.")
        return result
