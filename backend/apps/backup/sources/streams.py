"""Streams that sources pass to the archiver, with size and hash at their end."""

from __future__ import annotations

import contextlib
import hashlib
import io
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Protocol

from strongroom.streams import Reader

from .errors import CaptureFailed

CHUNK: Final = 1 << 20
_STDERR_LINES: Final = 5
_OBEDIENCE: Final = 2.0
"""Seconds in which a program must end before it is killed."""


class DumpPlace(Protocol):
    """A place from which stored dumps are read: a snapshot or a package."""

    def open_member(self, path: str) -> contextlib.AbstractContextManager[Reader]:
        """Open the content of a member. Raises `KeyError` if there is none of that name."""
        ...


class MeasuredReader:
    """A stream that reports its size and SHA-256 when it has been read to its end."""

    def __init__(self, reader: Reader, finished: Callable[[int, str], None]) -> None:
        self._reader = reader
        self._finished: Callable[[int, str], None] | None = finished
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        if data:
            self._hash.update(data)
            self._size += len(data)
        elif self._finished is not None:
            self._finished(self._size, self._hash.hexdigest())
            self._finished = None
        return data

    def close(self) -> None:
        self._reader.close()


class FileReader:
    """A file as a stream; `remove` deletes it when the stream is closed."""

    def __init__(self, path: Path, *, remove: bool = False) -> None:
        self._path = path
        self._remove = remove
        self._file: IO[bytes] = path.open("rb")

    def read(self, size: int, /) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        if self._remove:
            self._path.unlink(missing_ok=True)


class BytesReader:
    """Bytes as a stream."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()


class ProcessReader:
    """The output of a program, as a stream that ends only if the program succeeded.

    `what` names the work in errors. Its stderr goes to a temporary file, so that much output
    does not block. The last lines are in the error, with every text of `hidden` redacted.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, what: str, hidden: Sequence[str] = ()
    ) -> None:
        self._what = what
        self._hidden = [text for text in hidden if text]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the reader
        try:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd="/",
                # A Ctrl-C in the terminal must not reach the program: this process ends it in order.
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise CaptureFailed(f"{what}: {command[0]} cannot be started: {error.strerror}.") from error
        assert self._process.stdout is not None  # noqa: S101  it was asked for above
        self._stdout: IO[bytes] = self._process.stdout
        self._ended = False

    def read(self, size: int, /) -> bytes:
        data = self._stdout.read(size)
        if not data and not self._ended:
            status = self._process.wait()
            if status != 0:
                raise CaptureFailed(f"{self._what} failed ({describe_exit(status)}): {self.messages()}")
            self._ended = True
        return data

    def messages(self) -> str:
        """Return the last lines on stderr, without secrets."""
        self._stderr.seek(0)
        lines = self._stderr.read()[-8000:].decode("utf-8", "replace").strip().splitlines()
        text = " / ".join(lines[-_STDERR_LINES:]) or "it said nothing"
        for secret in self._hidden:
            text = text.replace(secret, "********")
        return text

    def close(self) -> None:
        if self._process.poll() is None:
            # First a polite signal: a database client then cancels its statement, which would go on in the server.
            self._process.terminate()
            try:
                self._process.wait(_OBEDIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._stdout.close()
        self._stderr.close()


def describe_exit(status: int) -> str:
    """Return an exit status as a text."""
    return f"killed by signal {-status}" if status < 0 else f"exit code {status}"


def drain(reader: Reader, sink: Callable[[bytes], object]) -> None:
    """Pass all bytes of `reader` to `sink`, and close the reader."""
    try:
        while data := reader.read(CHUNK):
            sink(data)
    finally:
        reader.close()
