"""The output of pg_restore, read as objects, and manifests without the server's facts."""

import contextlib
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from apps.backup.core.manifest import DatabaseRecord, ServerFacts
from apps.backup.sources.engines.postgresql.client_programs import Client
from apps.backup.sources.engines.postgresql.schema.failures import Maker, failures_of
from apps.backup.sources.engines.postgresql.schema.large_objects import sample_large_objects
from apps.backup.sources.engines.postgresql.schema.rights import Rights
from apps.backup.sources.engines.postgresql.schema.scratch import create_statement, source_path
from apps.backup.sources.engines.postgresql.schema.script import Entry, Script, parse, read_script
from apps.backup.sources.engines.postgresql.schema.session import Refusal
from apps.backup.sources.engines.postgresql.server_facts import Locale
from demo.private_postgres import private_postgres, server_binaries

TEXT = rb"""--
-- PostgreSQL database dump
--

\restrict k0BjDdPx

-- Dumped from database version 15.18

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- TOC entry 6 (class 2615 OID 2200)
-- Name: public; Type: SCHEMA; Schema: -; Owner: app
-- Data Pos: 0
--

-- *not* creating schema, since initdb creates it


ALTER SCHEMA public OWNER TO app;

SET default_tablespace = 'fast';

SET default_table_access_method = heap;

--
-- TOC entry 216 (class 1259 OID 16388)
-- Dependencies: 6 7
-- Name: a; b; Type: TABLE; Schema: public; Owner: Some One
-- Data Pos: 0
--

CREATE TABLE public."a; b" (
    t text DEFAULT '
--
-- PostgreSQL database dump complete
--
'
);


ALTER TABLE public."a; b" OWNER TO "Some ""One";

SET default_tablespace = '';

--
-- TOC entry 3376 (class 0 OID 0)
-- Name: TABLE "a; b"; Type: ACL; Schema: public; Owner: app
-- Data Pos: 0
--

GRANT SELECT ON TABLE public."a; b" TO rep;


-- Completed on 2026-11-30 13:30:40 UTC

--
-- PostgreSQL database dump complete
--

\unrestrict k0BjDdPx

"""


FIELDS = dict.fromkeys(("alias", "engine", "path", "sha256", "server_version"), "")
OLD = msgspec.convert(
    {**FIELDS, "size": 1, "cut_at": "2026-01-01T00:00:00Z", "tables": {}, "migrations": {}}, DatabaseRecord
)


def test_objects_with_their_owners_and_what_is_set_before():
    prologue, (schema, table, rights) = parse(TEXT)

    assert (
        prologue.split()
        == b"SET statement_timeout = 0; SELECT pg_catalog.set_config('search_path', '', false);".split()
    )
    assert (schema.owner, schema.owner_role, schema.state) == (b"ALTER SCHEMA public OWNER TO app;", "app", b"")
    assert schema.sql.strip() == b"-- *not* creating schema, since initdb creates it"
    assert (table.kind, table.title, table.selector) == ("TABLE", "public.a; b", "table:public.a; b")
    assert table.owner_role == 'Some "One'
    assert table.sql.strip().endswith(b"--\n'\n);")
    assert table.state == b"SET default_tablespace = 'fast';\nSET default_table_access_method = heap;\n"
    assert rights.state == b"SET default_tablespace = '';\nSET default_table_access_method = heap;\n"
    assert rights.is_rights
    assert rights.sql.strip() == b'GRANT SELECT ON TABLE public."a; b" TO rep;'


def test_left_out_objects_lose_their_grants():
    prologue, entries = parse(TEXT.replace(b'TABLE "a; b"; Type', b"TABLE a; b; Type"))
    script = Script(prologue, entries, [], [], [])

    left = script.without(frozenset({"table:public.a; b"}))

    assert [entry.kind for entry in left.entries] == ["SCHEMA"]
    assert script.without(frozenset()) == script
    assert script.without_kinds(frozenset({"TABLE"})) == left


@contextlib.contextmanager
def dumped(server, database):
    """A dump by the programs of the server, as a place that a script is read from."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "dump"
        url = ["--dbname", server.url(database)]
        subprocess.run([server.bin / "pg_dump", "--format=custom", "--file", dump, *url], check=True)
        yield SimpleNamespace(open_member=lambda path: (Path(folder) / path).open("rb"))


@pytest.mark.postgresql
def test_large_objects_that_stand_among_the_rows(tmp_path):
    """From version 17 on they do, many in one entry: their owners and rights are read all the same."""
    (newest,) = [one for one in server_binaries() if one.parent.name == "pginstall18"]
    with private_postgres(tmp_path, binaries=newest) as server:
        with server.connect() as connection:
            connection.execute("CREATE ROLE reader")
            connection.execute("SELECT lo_from_bytea(41, 'a'), lo_from_bytea(42, 'b'), lo_from_bytea(43, 'c')")
            connection.execute("GRANT SELECT ON LARGE OBJECT 41, 42 TO reader")
            connection.execute("COMMENT ON LARGE OBJECT 42 IS 'ours'")
        record = msgspec.structs.replace(OLD, path="dump", large_objects=3)
        with dumped(server, "postgres") as place:
            script = read_script(Client(newest, (18, 0)), place, record)

    assert [entry.title for entry in script.large] == ["41..42", "LARGE OBJECT 42", "43", "LARGE OBJECTS 41..42"]
    group, comment, _, rights = script.large
    assert group.sql.split() == b"SELECT pg_catalog.lo_create('41'); SELECT pg_catalog.lo_create('42');".split()
    owner = server.user.encode()
    assert [line for line in group.owner.splitlines() if line] == [
        b"ALTER LARGE OBJECT %d OWNER TO %s;" % (number, owner) for number in (41, 42)
    ]
    assert comment.sql.strip() == b"COMMENT ON LARGE OBJECT 42 IS 'ours';"
    assert rights.is_rights
    assert rights.needs == {group.number}
    assert rights.sql.count(b"GRANT SELECT ON LARGE OBJECT") == 2
    assert script.without_kinds(frozenset({"BLOB METADATA", "LARGE OBJECT"})).large == []
    assert sample_large_objects(script) == script


@pytest.mark.parametrize(
    ("locale", "version", "end"),
    [
        (Locale("UTF8", "C", "C", "", "", ""), 14, "LC_CTYPE 'C'"),
        (Locale("UTF8", "C", "C", "", "", ""), 15, "LOCALE_PROVIDER libc"),
        (Locale("UTF8", "C", "C", "c", "", ""), 18, "LOCALE_PROVIDER libc"),
        (Locale("UTF8", "C", "C", "i", "de", "&a < g"), 16, "LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < g'"),
        (Locale("UTF8", "C", "C", "b", "C.UTF-8", ""), 17, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"),
    ],
)
def test_a_new_database_sorts_as_the_old_one(locale, version, end):
    """Whatever the template sorts by."""
    assert create_statement(locale, "new", version).endswith(end)


def test_one_large_object_of_each_owner_and_each_grant_is_enough():
    """As pg_dump writes them up to version 16: each is an object, and its rights are another."""

    def large(number, owner):
        return Entry("BLOB", str(number), "-", b"", b"", b"ALTER", owner, number)

    def rights(number, role):
        sql = f"GRANT SELECT ON LARGE OBJECT {number} TO {role};".encode()
        name = f"LARGE OBJECT {number}"
        return Entry("ACL", name, "-", b"", sql, number=number + 100, needs=frozenset({number}))

    objects = [large(1, "app"), large(2, "app"), large(3, "other"), large(4, "app"), large(5, "app")]
    others = [rights(4, "reader"), rights(5, "reader"), Entry("TABLE", "LARGE", "public", b"", b"")]

    left = sample_large_objects(Script(b"", objects + others, [], [], []))

    assert [entry.number for entry in left.before] == [1, 3, 4, 104, 0]


def test_a_failure_is_one_cause_with_all_that_needs_it():
    def entry(number, kind, *needs):
        return Entry(kind, f"n{number}", "", b"", b"CREATE", number=number, needs=frozenset(needs))

    extension, table, index, view = entry(1, "EXTENSION"), entry(2, "TABLE", 1), entry(3, "INDEX", 2), entry(4, "VIEW")
    loop = [entry(5, "FUNCTION", 6), entry(6, "FUNCTION", 5)]
    refused = [(one, Refusal("42501", "no")) for one in (extension, table, index)]
    refused += [(one, Refusal("42P01", "not there")) for one in (view, *loop)]

    found = failures_of(refused, [one for one, _ in refused], Maker("a, b", "me"))

    assert [one.object for one in found] == ["extension n1", "view n4", "function n5", "function n6"]
    assert found[0].hint == (
        'It is needed by table n2, index n3. Restore as a superuser: run ALTER ROLE "me" SUPERUSER before the restore'
        ' and ALTER ROLE "me" NOSUPERUSER after it'
    )
    assert (
        "search_path TO a, b. Otherwise create what is missing, or restore with --leave-out 'view:n4'" in found[1].hint
    )


def test_a_user_mapping_needs_its_server_which_dumps_do_not_tell():
    server = Entry("SERVER", "far", "", b"", b"CREATE", number=1)
    mapping = Entry("USER MAPPING", "USER MAPPING app SERVER far", "", b"", b"CREATE", number=2)
    refused = [(server, Refusal("42501", "no")), (mapping, Refusal("42704", "not there"))]

    (found,) = failures_of(refused, [server, mapping], Maker("a", "me"))

    assert "It is needed by user mapping USER MAPPING app SERVER far" in found.hint
    assert "--leave-out 'server:far' --leave-out 'user-mapping:USER MAPPING app SERVER far'" in found.hint


def test_a_record_of_before_still_has_a_search_path():
    record = OLD

    assert record.server is None
    assert source_path(record) == '"$user", public'
    assert source_path(msgspec.structs.replace(record, settings=["search_path=a, b"])) == "a, b"
    facts = ServerFacts(owner="app", search_path="c")
    assert source_path(msgspec.structs.replace(record, settings=["search_path=a, b"], server=facts)) == "c"


def test_many_notes_are_counted():
    rights = Rights(notes=[f"the owner cannot be kept {number}" for number in range(49)] + ["a setting is lost"])
    rights.absent["gone"] += 3

    notes = rights.all_notes()

    assert (
        notes[0]
        == "the role 'gone' gets 3 grants less than it had, or owns less; create it first: CREATE ROLE \"gone\""
    )
    assert notes[1] == "a setting is lost"
    assert (len(notes), notes[-1]) == (31, "… and 21 more")
