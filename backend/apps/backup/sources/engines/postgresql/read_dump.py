"""Read a dump by pg_restore, without a server: one thread writes the dump to it, another reads its output."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Final, TypeVar

from strongroom.streams import Reader

from ...errors import CaptureFailed
from ...streams import CHUNK, describe_exit
from .client_programs import CommandLine

_COPY: Final = re.compile(rb'COPY ("(?:[^"]|"")+"|[^\s."]+)\.("(?:[^"]|"")+"|[^\s."(]+) .*FROM stdin;\n', re.DOTALL)
_PIECE: Final = 1 << 16

Found = TypeVar("Found")
Measure = Callable[[bytes], None]

_LAST_WORDS: Final = 4000


def read_dump(
    command_line: CommandLine, dump: Reader, take: Callable[[IO[bytes]], Found], *, measure: Measure | None = None
) -> Found:
    """Let pg_restore read a dump, pass its output to `take`, and return the result of `take`.

    With `measure` the dump is read to its end, even if pg_restore does not need that, and `measure` gets every byte.
    Raises `CaptureFailed` if pg_restore fails, and the errors of reading the dump.
    """
    command, environment = command_line
    with tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd="/"
        ) as process:
            assert process.stdin is not None  # noqa: S101  asked for above
            assert process.stdout is not None  # noqa: S101
            feeder = _Feeder(dump, process.stdin, measure)
            feeder.start()
            found = take(process.stdout)
            process.stdout.close()
            feeder.join()
            status = process.wait()
        if feeder.failure is not None:
            raise feeder.failure
        if status != 0:
            stderr.seek(0)
            messages = " / ".join(stderr.read()[-_LAST_WORDS:].decode("utf-8", "replace").strip().splitlines()[-3:])
            raise CaptureFailed(f"pg_restore cannot read it ({describe_exit(status)}): {messages}")
    return found


class _Feeder(threading.Thread):
    """A thread that writes a stream to a program's input while another thread reads its output."""

    def __init__(self, stream: Reader, target: IO[bytes], measure: Measure | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._target = target
        self._measure = measure
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            reads = True
            while (reads or self._measure is not None) and (data := self._stream.read(CHUNK)):
                if self._measure is not None:
                    self._measure(data)
                if reads:
                    reads = self._write(data)
        except Exception as error:  # noqa: BLE001  it is raised again by the thread that waits
            self.failure = error
        finally:
            with contextlib.suppress(BrokenPipeError):
                self._target.close()

    def _write(self, data: bytes) -> bool:
        try:
            self._target.write(data)
        except BrokenPipeError:
            # The program has read enough or has failed; its exit status says which.
            return False
        return True


def count_copied(output: IO[bytes]) -> dict[str, int]:
    """Count the rows of each table in the SQL of pg_restore, which has them as COPY."""
    counts: dict[str, int] = {}
    table: str | None = None
    header = b""
    at_start = True
    # A row may be as long as a gigabyte: lines are read in pieces.
    while line := output.readline(_PIECE):
        whole = at_start
        at_start = line.endswith(b"\n")
        if table is None:
            if header or (whole and line.startswith(b"COPY ")):
                # A name may contain a line break: then a quotation mark is still open.
                header += line
                if header.count(b'"') % 2 == 0:
                    if found := _COPY.fullmatch(header):
                        table = f"{_plain(found[1])}.{_plain(found[2])}"
                        counts[table] = 0
                    header = b""
        elif whole and line == b"\\.\n":
            table = None
        elif at_start:
            counts[table] += 1
    return counts


def _plain(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
