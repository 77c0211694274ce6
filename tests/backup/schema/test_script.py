"""What pg_restore writes, read as objects; and manifests of before the server's facts were recorded."""

import msgspec

from apps.backup.manifest import DatabaseRecord, ServerFacts
from apps.backup.schema.rights import Rights
from apps.backup.schema.scratch import source_path
from apps.backup.schema.script import Script, parse

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


def test_what_is_left_out_takes_its_rights_along():
    prologue, entries = parse(TEXT.replace(b'TABLE "a; b"; Type', b"TABLE a; b; Type"))
    script = Script(prologue, entries, [], [])

    left = script.without(frozenset({"table:public.a; b"}))

    assert [entry.kind for entry in left.entries] == ["SCHEMA"]
    assert script.without(frozenset()) == script
    assert script.without_kinds(frozenset({"TABLE"})) == left


def test_a_record_of_before_still_has_a_search_path():
    fields = dict.fromkeys(("alias", "engine", "path", "sha256", "server_version"), "")
    old = {**fields, "size": 1, "cut_at": "2026-01-01T00:00:00Z", "tables": {}, "migrations": {}}
    record = msgspec.convert(old, DatabaseRecord)

    assert record.server is None
    assert source_path(record) == '"$user", public'
    assert source_path(msgspec.structs.replace(record, settings=["search_path=a, b"])) == "a, b"
    facts = ServerFacts(owner="app", search_path="c")
    assert source_path(msgspec.structs.replace(record, settings=["search_path=a, b"], server=facts)) == "c"


def test_many_notes_are_counted():
    rights = Rights(notes=[f"note {number}" for number in range(50)])
    rights.absent["gone"] += 3

    notes = rights.all_notes()

    assert (
        notes[0]
        == "the role 'gone' gets 3 grants less than it had, or owns less; create it first: CREATE ROLE \"gone\""
    )
    assert (len(notes), notes[-1]) == (31, "… and 21 more")
