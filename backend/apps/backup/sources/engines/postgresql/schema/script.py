"""Read the objects of a stored dump as SQL, in the order of their creation. Only the head of the dump is read.

pg_restore writes the SQL of a section, in which each object begins with a comment that names it. The SQL stays bytes,
in the encoding that the prologue sets.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.streams import Reader

from .....core.manifest import DatabaseRecord
from .....errors import RestoreFailed
from ....errors import CaptureFailed
from ....streams import DumpPlace
from ..client_programs import Client, CommandLine, list_command, listed_command, schema_command
from ..read_dump import read_dump

_HEADER: Final = re.compile(
    rb"^--\n-- TOC entry (\d+) \(class \d+ OID \d+\)\n(?:-- Dependencies: ([\d ]+)\n)?"
    rb"-- Name: ([^\n]*); Type: ([^\n;]*); Schema: ([^\n]*); Owner: ([^\n]*)\n(?:-- [^\n]*\n)*--\n",
    re.MULTILINE,
)
_END: Final = re.compile(rb"\n(?:-- Completed on [^\n]*\n\n)?--\n-- PostgreSQL database dump complete\n--\n")
# pg_restore writes these settings before the comment of the first object that needs them.
_STATE: Final = re.compile(rb"\nSET (default_tablespace|default_table_access_method) = [^\n]*;\s*\Z")
# From version 17 on, an entry may have many large objects, each with its own statement.
_OWNER: Final = re.compile(rb'\n((?:ALTER [^\n]+ OWNER TO ("(?:[^"]|"")+"|[^\s;"]+);\s*)+)\Z')
_COMMANDS: Final = re.compile(rb"^\\(?:un)?restrict [^\n]*\n", re.MULTILINE)
_NOTE: Final = re.compile(rb"^--[^\n]*\n", re.MULTILINE)
# A line in a list of objects: numbers, kind, schema, name, owner.
_GROUP: Final = re.compile(rb"\d+; \d+ \d+ BLOB METADATA ")
_LARGE: Final = re.compile(rb"\d+; \d+ \d+ (?:BLOB METADATA|(?:COMMENT|ACL|SECURITY LABEL) - LARGE OBJECTS?) ")
_RIGHTS: Final = frozenset({"ACL", "DEFAULT ACL"})
_SECRET: Final = frozenset({"SERVER", "SUBSCRIPTION", "USER MAPPING"})
_EVENT: Final = "EVENT TRIGGER"
_MOST_SHOWN: Final = 2000


@dataclass(frozen=True)
class Entry:
    """One object. `state` are the settings to make before its `sql`, `owner` is the statement that sets its owner.

    `number` is its number in the dump, `needs` are those of the objects that it needs. `granted_by` is the owner of the
    object to which a statement about rights refers.
    """

    kind: str
    name: str
    schema: str
    state: bytes
    sql: bytes
    owner: bytes = b""
    owner_role: str = ""
    number: int = 0
    needs: frozenset[int] = frozenset()
    granted_by: str = ""

    @property
    def title(self) -> str:
        """The object's name with its schema."""
        return self.name if self.schema in {"", "-"} else f"{self.schema}.{self.name}"

    @property
    def selector(self) -> str:
        """The object's name for `--leave-out`, such as `index:public.words`."""
        return f"{self.kind.lower().replace(' ', '-')}:{self.title}"

    @property
    def is_last(self) -> bool:
        """Whether it is an event trigger or belongs to one, which would run for all objects that are created later."""
        return self.kind == _EVENT or self.name.startswith(f"{_EVENT} ")

    @property
    def is_rights(self) -> bool:
        """Whether it only grants and revokes."""
        return self.kind in _RIGHTS

    def belongs_to(self, other: Entry) -> bool:
        """Return whether it is the comment, the rights or the label of the other object."""
        return self.schema == other.schema and self.name == f"{other.kind} {other.name}"

    @property
    def display_sql(self) -> str:
        """Its SQL for users, shortened if it is very long; hidden if it may contain a password."""
        if self.kind in _SECRET:
            return f"-- see pg_restore --list for {self.kind} {self.name}"
        return self.sql.strip().decode("utf-8", "replace")[:_MOST_SHOWN]


@dataclass(frozen=True)
class Script:
    """All objects of a dump: those created before the rows are loaded, those after, and those at the very end.

    `large` are large objects with their comments and rights, if they are created with the rows.
    """

    prologue: bytes
    before: list[Entry]
    after: list[Entry]
    last: list[Entry]
    large: list[Entry]

    @property
    def entries(self) -> list[Entry]:
        """All objects."""
        return [*self.before, *self.large, *self.after, *self.last]

    def without(self, leave_out: frozenset[str]) -> Script:
        """Return the script without the objects in `leave_out`, and without their comments and rights."""
        gone = [entry for entry in self.entries if entry.selector in leave_out]
        return self._only(lambda one: one not in gone and not any(one.belongs_to(other) for other in gone))

    def without_kinds(self, kinds: frozenset[str]) -> Script:
        """Return the script without objects of these kinds, and without their comments and rights."""
        prefixes = tuple(f"{kind} " for kind in kinds | {f"{kind}S" for kind in kinds})
        return self._only(lambda one: one.kind not in kinds and not one.name.startswith(prefixes))

    def _only(self, wanted: Callable[[Entry], bool]) -> Script:
        parts = (
            [entry for entry in part if wanted(entry)] for part in (self.before, self.after, self.last, self.large)
        )
        return Script(self.prologue, *parts)


def read_script(client: Client, place: DumpPlace, record: DatabaseRecord) -> Script:
    """Read the schema of a stored dump. Raises `RestoreFailed` if pg_restore cannot read it."""
    sections = []
    for section in ("pre-data", "post-data"):
        with place.open_member(record.path) as dump:
            sections.append(parse(_sql(schema_command(client, section), dump, record.path)))
    (prologue, before), (_, after) = sections
    last = [entry for entry in after if entry.is_last]
    large = _large_objects(client, place, record) if record.large_objects else []
    return Script(prologue, before, [entry for entry in after if not entry.is_last], last, large)


def _large_objects(client: Client, place: DumpPlace, record: DatabaseRecord) -> list[Entry]:
    """Return the large objects among the rows of a dump, where pg_dump writes them from version 17 on."""
    with place.open_member(record.path) as dump:
        listed = _sql(list_command(client), dump, record.path).splitlines(keepends=True)
    if not any(_GROUP.match(line) for line in listed):
        return []
    with tempfile.NamedTemporaryFile() as wanted, place.open_member(record.path) as dump:
        wanted.writelines(line for line in listed if _LARGE.match(line))
        wanted.flush()
        _, entries = parse(_sql(listed_command(client, Path(wanted.name)), dump, record.path))
    return entries


def parse(text: bytes) -> tuple[bytes, list[Entry]]:
    """Split the output of pg_restore into its prologue and its objects."""
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
        entries.append(_entry(header, before, body))
    return _NOTE.sub(b"", head), entries


def _entry(header: re.Match[bytes], state: bytes, body: bytes) -> Entry:
    number, needs, *words = header.groups()
    name, kind, schema, granted_by = (part.decode("utf-8", "replace") for part in words)
    owner = _OWNER.search(body)
    return Entry(
        kind,
        name,
        schema,
        state,
        body[: owner.start() + 1] if owner else body,
        owner[1].rstrip() if owner else b"",
        _plain(owner[2]) if owner else "",
        int(number),
        frozenset(map(int, (needs or b"").split())),
        granted_by,
    )


def _take_state(text: bytes, state: dict[bytes, bytes]) -> bytes:
    found = []
    while match := _STATE.search(text):
        found.append((match[1], match[0].strip() + b"\n"))
        text = text[: match.start() + 1]
    # The settings were found from the end of the text to its beginning.
    state.update(reversed(found))
    return text


def _plain(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _sql(command_line: CommandLine, dump: Reader, path: str) -> bytes:
    """Return the output of pg_restore. It reads only the list of objects at the beginning of a dump, not the rows."""
    try:
        return read_dump(command_line, dump, lambda output: output.read())
    except CaptureFailed as error:
        raise RestoreFailed(f"The schema in {path} cannot be read: {error}") from error
