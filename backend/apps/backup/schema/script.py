"""The objects of a stored dump as SQL, in the order in which they are made. Only the head of the dump is read.

pg_restore writes the SQL of a section; each object in it begins with a comment that names it. The SQL stays bytes, in
the encoding that the prologue sets.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final

from strongroom.streams import Reader

from ..errors import RestoreFailed
from ..manifest import DatabaseRecord
from ..sources.postgresql_client import Client, schema_command
from ..sources.readers import CHUNK, describe_exit
from ..sources.verify import DumpPlace

_HEADER: Final = re.compile(
    rb"^--\n-- TOC entry \d+ \(class \d+ OID \d+\)\n(?:-- Dependencies: [\d ]+\n)?"
    rb"-- Name: ([^\n]*); Type: ([^\n;]*); Schema: ([^\n]*); Owner: ([^\n]*)\n(?:-- [^\n]*\n)*--\n",
    re.MULTILINE,
)
_END: Final = re.compile(rb"\n(?:-- Completed on [^\n]*\n\n)?--\n-- PostgreSQL database dump complete\n--\n")
# pg_restore sets them before the comment of the first object that they are for.
_STATE: Final = re.compile(rb"\nSET (default_tablespace|default_table_access_method) = [^\n]*;\s*\Z")
_OWNER: Final = re.compile(rb'\n(ALTER [^\n]+ OWNER TO ("(?:[^"]|"")+"|[^\s;"]+);)\s*\Z')
_COMMANDS: Final = re.compile(rb"^\\(?:un)?restrict [^\n]*\n", re.MULTILINE)
_NOTE: Final = re.compile(rb"^--[^\n]*\n", re.MULTILINE)
_RIGHTS: Final = frozenset({"ACL", "DEFAULT ACL"})
_SECRET: Final = frozenset({"SERVER", "SUBSCRIPTION", "USER MAPPING"})
_EVENT: Final = "EVENT TRIGGER"
_MOST_SHOWN: Final = 2000


@dataclass(frozen=True)
class Entry:
    """One object. `state` is what has to be set before its `sql` is run, `owner` the statement that gives it away."""

    kind: str
    name: str
    schema: str
    state: bytes
    sql: bytes
    owner: bytes = b""
    owner_role: str = ""

    @property
    def title(self) -> str:
        """The object's name with its schema."""
        return self.name if self.schema in {"", "-"} else f"{self.schema}.{self.name}"

    @property
    def selector(self) -> str:
        """What names it in `--leave-out`, such as `index:public.words`."""
        return f"{self.kind.lower().replace(' ', '-')}:{self.title}"

    @property
    def is_last(self) -> bool:
        """An event trigger, or what belongs to one: it would run at everything that is made after it."""
        return self.kind == _EVENT or self.name.startswith(f"{_EVENT} ")

    @property
    def is_rights(self) -> bool:
        """It grants and revokes, and makes nothing."""
        return self.kind in _RIGHTS

    def belongs_to(self, other: Entry) -> bool:
        """It is the comment, the rights or the label of the other object."""
        return self.schema == other.schema and self.name == f"{other.kind} {other.name}"

    @property
    def shown(self) -> str:
        """Its SQL for people, cut where it is very long; not where it may hold a password."""
        if self.kind in _SECRET:
            return f"-- see pg_restore --list for {self.kind} {self.name}"
        return self.sql.strip().decode("utf-8", "replace")[:_MOST_SHOWN]


@dataclass(frozen=True)
class Script:
    """All objects of a dump: those that are made before the rows are loaded, those after, and those at the very end."""

    prologue: bytes
    before: list[Entry]
    after: list[Entry]
    last: list[Entry]

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return [*self.before, *self.after, *self.last]

    def without(self, leave_out: frozenset[str]) -> Script:
        """The same without the objects that `leave_out` names, nor their comments and rights."""
        gone = [entry for entry in self.entries if entry.selector in leave_out]
        return self._only(lambda one: one not in gone and not any(one.belongs_to(other) for other in gone))

    def without_kinds(self, kinds: frozenset[str]) -> Script:
        """The same without objects of these kinds, nor their comments and rights."""
        prefixes = tuple(f"{kind} " for kind in kinds)
        return self._only(lambda one: one.kind not in kinds and not one.name.startswith(prefixes))

    def _only(self, wanted: Callable[[Entry], bool]) -> Script:
        parts = ([entry for entry in part if wanted(entry)] for part in (self.before, self.after, self.last))
        return Script(self.prologue, *parts)


def read_script(client: Client, place: DumpPlace, record: DatabaseRecord) -> Script:
    """Read the schema of a stored dump; raises `RestoreFailed` where pg_restore cannot."""
    sections = []
    for section in ("pre-data", "post-data"):
        with place.open_member(record.path) as dump:
            sections.append(parse(_section(client, dump, section, record.path)))
    (prologue, before), (_, after) = sections
    last = [entry for entry in after if entry.is_last]
    return Script(prologue, before, [entry for entry in after if not entry.is_last], last)


def parse(text: bytes) -> tuple[bytes, list[Entry]]:
    """What pg_restore has written, as its prologue and its objects."""
    ends = [end.start() for end in _END.finditer(text)]
    text = _COMMANDS.sub(b"", text[: ends[-1]] if ends else text)
    headers = list(_HEADER.finditer(text))
    head = text[: headers[0].start()] if headers else text
    entries = []
    state: dict[bytes, bytes] = {}
    head = _take_state(head, state)
    for number, header in enumerate(headers):
        stop = headers[number + 1].start() if number + 1 < len(headers) else len(text)
        before = b"".join(state.values())
        body = _take_state(text[header.end() : stop], state)
        name, kind, schema, _ = (part.decode("utf-8", "replace") for part in header.groups())
        owner = _OWNER.search(body)
        entries.append(
            Entry(
                kind,
                name,
                schema,
                before,
                body[: owner.start() + 1] if owner else body,
                owner[1] if owner else b"",
                _plain(owner[2]) if owner else "",
            )
        )
    return _NOTE.sub(b"", head), entries


def _take_state(text: bytes, state: dict[bytes, bytes]) -> bytes:
    found = []
    while match := _STATE.search(text):
        found.append((match[1], match[0].strip() + b"\n"))
        text = text[: match.start() + 1]
    # The last one of the text was found first.
    state.update(reversed(found))
    return text


def _plain(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _section(client: Client, dump: Reader, section: str, path: str) -> bytes:
    command, environment = schema_command(client, section)
    with tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd="/"
        ) as process:
            assert process.stdin is not None  # noqa: S101  asked for above
            assert process.stdout is not None  # noqa: S101
            feeder = _HeadFeeder(dump, process.stdin)
            feeder.start()
            text = process.stdout.read()
            feeder.join()
            status = process.wait()
        if feeder.failure is not None:
            raise feeder.failure
        if status != 0:
            stderr.seek(0)
            said = " / ".join(stderr.read()[-4000:].decode("utf-8", "replace").strip().splitlines()[-3:])
            raise RestoreFailed(f"pg_restore cannot read the schema in {path} ({describe_exit(status)}): {said}")
    return text


class _HeadFeeder(threading.Thread):
    """Writes a dump into pg_restore's input, for as long as that reads: the list of its objects comes first."""

    def __init__(self, dump: Reader, target: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._dump = dump
        self._target = target
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while data := self._dump.read(CHUNK):
                self._target.write(data)
            self._target.close()
        except BrokenPipeError:
            # pg_restore has read what it needs.
            self._close()
        except Exception as error:  # noqa: BLE001  it is raised again by the thread that waits
            self.failure = error
            self._close()

    def _close(self) -> None:
        try:
            self._target.close()
        except BrokenPipeError:
            return
