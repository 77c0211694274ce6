"""Rehearsals of restores on PostgreSQL: what they say, where they are not possible, and what they leave behind."""

import contextlib
import dataclasses
import json
import signal
import time

import pytest
from tests.backup.testing.shapes import APP, application

pytestmark = pytest.mark.postgresql


def verdict(host):
    return host.json("backup_health", expect=None)


def finding(host, number):
    return next((one for one in verdict(host)["findings"] if one["id"] == f"backup.W{number:03}"), None)


def test_a_role_that_may_create_no_database(app_host, postgres):
    """Nothing can be rehearsed nor restored: it is said, with the SQL that helps, and verified afterwards."""
    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {APP} NOCREATEDB")
    backup = app_host.json("trigger_backup", "--type", "FULL")
    assert (backup["status"], backup["trust"]) == ("COMPLETED", "STORED")
    health = verdict(app_host)
    (found,) = [one for one in health["findings"] if one["id"] == "backup.W034"]
    assert f'ALTER ROLE "{APP}" CREATEDB' in found["what"]
    assert health["verdict"]["state"] == "UNPROTECTED"
    assert f'ALTER ROLE "{APP}" CREATEDB' in health["verdict"]["reason"]

    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {APP} CREATEDB")
    verified = app_host.json("verify_backup", backup["job"])

    assert (verified["trust"], verified["rehearsal"]["state"]) == ("VERIFIED", "PASSED")
    health = verdict(app_host)
    assert health["verdict"]["state"] == "AT_RISK", "no schedule runs"
    assert "backup.W034" not in {one["id"] for one in health["findings"]}
    # The right is taken away after a rehearsal that passed: the next restore would be refused.
    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {APP} NOCREATEDB")
    assert f'ALTER ROLE "{APP}" CREATEDB' in finding(app_host, 34)["what"]


def test_unrestorable_schemas_do_not_protect(app_host, postgres):
    with postgres.connect(app_host.name) as connection:
        connection.execute("CREATE EXTENSION pgstattuple")
    backup = app_host.json("trigger_backup", "--type", "FULL")

    (failure,) = app_host.json("backup_jobs", "--show", backup["job"])["rehearsal"]["default"]["failures"]
    health = verdict(app_host)
    found = finding(app_host, 33)
    verified = app_host.json("verify_backup", backup["job"], expect=1)

    assert (backup["status"], backup["trust"]) == ("COMPLETED", "STORED")
    assert failure["selector"] == "extension:pgstattuple"
    assert "CREATE EXTENSION IF NOT EXISTS pgstattuple" in failure["hint"]
    assert found["severity"] == "CRITICAL"
    assert "It cannot be restored as it is: extension pgstattuple: permission denied" in found["what"]
    assert health["verdict"]["state"] == "UNPROTECTED"
    assert "cannot be restored as it is" in health["verdict"]["reason"]
    assert "--leave-out 'extension:pgstattuple'" in health["verdict"]["next_step"]
    assert (verified["trust"], verified["findings"]) == ("STORED", [])


def test_a_package_is_rehearsed_and_comes_back(app_host, postgres, tmp_path):
    package = tmp_path / "out.tar.gz"
    with postgres.connect(app_host.name) as connection:
        connection.execute("CREATE EXTENSION pgstattuple")
    backup = app_host.json("trigger_backup", "--type", "DATABASE", "--output", str(package))
    verified = app_host.json("verify_backup", str(package), expect=1)
    app_host.server.drop_database(app_host.name)
    app_host.run("restore_backup", str(package), "--yes", "--leave-out", "extension:nothing", expect=1)
    app_host.run("restore_backup", str(package), "--yes", "--leave-out", "table:public.auth_user", expect=1)

    app_host.json("restore_backup", str(package), "--yes", "--leave-out", "extension:pgstattuple")

    assert (backup["trust"], backup["rehearsal_state"], verified["trust"]) == ("STORED", "FAILED", "STORED")
    assert app_host.leftovers() == []


def test_roles_that_are_gone_are_named_and_nothing_is_weaker(app_host, postgres):
    names = [f"gone_{app_host.name[-8:]}", f"definer_{app_host.name[-8:]}"]
    with postgres.connect(app_host.name) as connection:
        for name in names:
            connection.execute(f"CREATE ROLE {name}")
        connection.execute(f"SET ROLE {APP}")
        connection.execute("CREATE TABLE paper AS SELECT 1 AS id")
        connection.execute(f"GRANT SELECT ON paper TO {names[0]}")
        connection.execute("CREATE FUNCTION who() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        connection.execute("RESET ROLE")
        connection.execute(f"ALTER FUNCTION who() OWNER TO {names[1]}")
        connection.execute(f"GRANT {names[1]} TO {APP}")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {names[1]}")
    backup = app_host.json("trigger_backup", "--type", "DATABASE")
    assert backup["trust"] == "VERIFIED", backup
    app_host.server.drop_database(app_host.name)
    with postgres.connect() as connection:
        connection.execute(f"DROP ROLE {names[0]}")
        connection.execute(f"DROP ROLE {names[1]}")

    plan = app_host.json("restore_backup", backup["job"], "--dry-run", expect=1)
    without = app_host.json("restore_backup", backup["job"], "--yes", "--leave-out", "function:public.who()")

    (obstacle,) = plan["blocking"]
    assert f"ALTER FUNCTION public.who() OWNER TO {names[1]}" in obstacle
    assert any(f'CREATE ROLE "{names[0]}"' in line for line in plan["warnings"])
    assert any(names[0] in note for note in without["notes"])


def test_extensions_that_tables_and_indexes_need(app_host, postgres):
    """Each is one obstacle, with all that needs it. Objects with rows are never left out."""
    with postgres.connect(app_host.name) as connection:
        connection.execute("CREATE EXTENSION earthdistance CASCADE")
        connection.execute("CREATE EXTENSION bloom")
        connection.execute(f"SET ROLE {APP}")
        connection.execute("CREATE TABLE place AS SELECT 1 AS id, ll_to_earth(50, 8) AS at")
        connection.execute("CREATE TABLE word AS SELECT 1 AS id")
        connection.execute("CREATE INDEX word_id ON word USING bloom (id)")
    backup = app_host.json("trigger_backup", "--type", "DATABASE")
    app_host.server.drop_database(app_host.name)

    without = ("--leave-out", "extension:earthdistance", "--leave-out", "extension:bloom")
    plan = app_host.json("restore_backup", backup["job"], "--dry-run", *without, expect=1)
    with postgres.connect() as connection:
        connection.execute(f'ALTER ROLE "{APP}" SUPERUSER')
    restored = app_host.json("restore_backup", backup["job"], "--yes")

    index, table = sorted(backup["warnings"])
    assert "extension bloom: permission denied" in index
    assert "It is needed by index public.word_id. Restore as a superuser: run ALTER ROLE" in index
    assert "--leave-out 'extension:bloom' --leave-out 'index:public.word_id'" in index
    assert "extension earthdistance: permission denied" in table
    assert "It is needed by table public.place. Restore as" in table
    assert f'run ALTER ROLE "{APP}" SUPERUSER before' in table
    assert "leave-out" not in table
    index, table = sorted(plan["blocking"])
    assert "index public.word_id: " in index
    assert "It needs extension bloom, which is left out: restore without that option, or restore with" in index
    assert table.endswith("It needs extension earthdistance, which is left out: restore without that option")
    assert restored["status"] == "COMPLETED"
    with postgres.connect(app_host.name) as connection:
        assert connection.execute("SELECT round(earth_distance(at, at)) FROM place").fetchall() == [(0,)]


def test_grants_that_only_the_owner_can_revoke(app_host, postgres):
    """A member of a role has not always its rights, and another role has none: nothing is weaker, or it is refused."""
    owner, other = f"owner_{app_host.name[-8:]}", f"other_{app_host.name[-8:]}"
    with postgres.connect(app_host.name) as connection:
        connection.execute(f"CREATE ROLE {owner}")
        connection.execute(f"CREATE ROLE {other} LOGIN CREATEDB PASSWORD '{APP}'")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {owner}")
        connection.execute(f"GRANT {owner} TO {APP}")
        connection.execute(f"SET ROLE {owner}")
        connection.execute("CREATE FUNCTION who() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
        connection.execute("REVOKE ALL ON FUNCTION who() FROM PUBLIC")
        connection.execute("SELECT lo_from_bytea(77, 'one')")
        connection.execute(f"GRANT SELECT ON LARGE OBJECT 77 TO {APP}")
        connection.execute("RESET ROLE")
        connection.execute("SELECT lo_from_bytea(78, 'two')")
        connection.execute(f"GRANT SELECT ON LARGE OBJECT 78 TO {APP}")
        connection.execute(f'REVOKE CONNECT ON DATABASE "{app_host.name}" FROM PUBLIC')
        if connection.info.server_version >= 160000:
            # Then a member may give things to the role, but not revoke what the role may.
            connection.execute(f"GRANT {owner} TO {APP} WITH INHERIT FALSE")
    backup = app_host.json("trigger_backup", "--type", "DATABASE")
    (about,) = app_host.json("backup_jobs", "--show", backup["job"])["rehearsal"].values()
    app_host.server.drop_database(app_host.name)
    as_other = {"DATABASE_URL": dataclasses.replace(postgres, user=other, password=APP).url(app_host.name)}
    try:
        plan = app_host.json("restore_backup", backup["job"], "--dry-run", expect=1, **as_other)
        refused = app_host.run("restore_backup", backup["job"], "--yes", expect=1, **as_other)
        left = app_host.leftovers()
        app_host.json("restore_backup", backup["job"], "--yes")

        assert backup["trust"] == "VERIFIED", backup
        assert any("LARGE OBJECT 78 OWNER TO" in note for note in about["notes"]), about
        assert not any("LARGE OBJECT 77" in note for note in about["notes"]), about
        assert [f"ALTER FUNCTION public.who() OWNER TO {owner}" in one for one in plan["blocking"]] == [True]
        assert f"ALTER FUNCTION public.who() OWNER TO {owner}" in refused.stderr
        assert left == []
        with postgres.connect(app_host.name) as connection:
            answer = connection.execute(
                f"SELECT has_function_privilege('{other}', 'who()', 'EXECUTE'), proowner::regrole::text,"
                f" has_database_privilege('{other}', '{app_host.name}', 'CONNECT') FROM pg_proc WHERE proname = 'who'"
            ).fetchall()
        assert answer == [(False, owner, False)]
    finally:
        app_host.server.drop_database(app_host.name)
        with postgres.connect() as connection:
            connection.execute(f"DROP ROLE {owner}, {other}")


def test_everything_that_a_database_can_hold_passes_without_a_note(postgres_host):
    """Large objects, other owners and schemas: a rehearsal does not invent losses."""
    backup = postgres_host.json("trigger_backup", "--type", "DATABASE")

    found = postgres_host.json("backup_jobs", "--show", backup["job"])["rehearsal"]["default"]

    assert found == {"state": "PASSED", "reason": "", "failures": [], "weaker": [], "notes": []}


def test_leftovers_of_killed_rehearsals_are_dropped(app_host, postgres):
    """And what looks like one and is of a rehearsal that lives stays."""
    process = app_host.start("trigger_backup", "--type", "DATABASE")
    with contextlib.closing(postgres.connect()) as connection:
        deadline = time.monotonic() + 60
        pattern = (app_host.name + "\\_rehearsal\\_%",)
        while not connection.execute("SELECT 1 FROM pg_database WHERE datname LIKE %s", pattern).fetchone():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, f"Waited 60 seconds for a database like {pattern[0]}; there is none"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        (left,) = app_host.leftovers()
        living = f"{app_host.name}_rehearsal_0123abcd"
        connection.execute(f'CREATE DATABASE "{living}" OWNER {APP}')
        connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (0x65646D72, living))

        assert app_host.json("trigger_backup", "--type", "DATABASE")["trust"] == "VERIFIED"

        assert left.startswith(f"{app_host.name}_rehearsal_")
        assert app_host.leftovers() == [living]


def test_a_rehearsal_locks_nothing_of_the_live_database(app_host, postgres):
    """While another session holds every table, it goes on: the dump has been read by then."""
    backup = app_host.json("trigger_backup", "--type", "DATABASE")
    with postgres.connect(app_host.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE auth_user, auth_group, django_content_type IN ACCESS EXCLUSIVE MODE")
        plan = app_host.json("restore_backup", backup["job"], "--dry-run")
    assert app_host.name in json.dumps(plan["replacements"])
    # Counting in the live database waits for a lock only briefly, and says so.
    assert any("it is not known whose access ended" in line for line in plan["warnings"])


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_apps_that_look_into_the_database_at_each_connection(app_host, postgres, driver):
    """`django.contrib.postgres` asks the live database for the types of its extensions: also where that is gone."""
    changes = {"HOST_APPS": "django.contrib.postgres", "HOST_HIDES_PSYCOPG": "1" if driver == "psycopg2" else ""}
    with application(postgres).connect(app_host.name) as connection:
        connection.execute("CREATE EXTENSION hstore")
        connection.execute("CREATE TABLE tagged AS SELECT 1 AS id, 'a=>1'::hstore AS tags")
        connection.execute("REVOKE ALL ON tagged FROM PUBLIC")

    def run(*arguments):
        if driver == "psycopg":
            return app_host.json(*arguments, **changes)
        # The processes that others are forked from have loaded psycopg 3.
        process = app_host.start(*arguments, "--json", **changes)
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, (said, errors)
        return json.loads(said)

    backup = run("trigger_backup", "--type", "DATABASE")
    assert backup["trust"] == "VERIFIED", backup
    app_host.server.drop_database(app_host.name)

    run("restore_backup", "latest", "--yes")

    with application(postgres).connect(app_host.name) as connection:
        assert connection.execute("SELECT id, tags::text FROM tagged").fetchall() == [(1, '"a"=>"1"')]
