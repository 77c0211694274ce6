"""PostgreSQL's clients: which is taken, how it is called, and what happens when it fails."""

import contextlib
import json
import re
import stat
import threading
import time
import uuid
from pathlib import Path

import pytest

from apps.backup.errors import RestoreFailed
from apps.backup.sources.engines.postgresql.client_programs import (
    Client,
    client_environment,
    dump_command,
    find_client,
    restore_command,
    rows_command,
)
from apps.backup.sources.engines.postgresql.schema.server import require_no_subscription
from apps.backup.sources.engines.postgresql.server_facts import read_server_facts
from apps.backup.sources.errors import ClientMissing, SourceRefused

SETTINGS = {
    "NAME": "edms",
    "USER": "me",
    "PASSWORD": "hunter2 $ecret",
    "HOST": "db.example",
    "PORT": 5433,
    "OPTIONS": {"sslmode": "verify-full", "passfile": "/x", "pool": True},
}
CLIENT = Client(Path("/opt/pg/bin"), (17, 2))


def test_the_password_is_in_no_argument():
    base = {"PATH": "/bin", "BACKUP_PASSWORD": "mine", "PGAPPNAME": "kept"}
    dump, environment = dump_command(CLIENT, SETTINGS, "00000003-1", base)
    restore, also = restore_command(CLIENT, SETTINGS, "edms_new", base)

    assert dump == [
        "/opt/pg/bin/pg_dump",
        "--format=custom",
        "--compress=0",
        "--no-password",
        "--snapshot=00000003-1",
        "--lock-wait-timeout=15000",
    ]
    assert restore[-2:] == ["--no-owner", "--no-privileges"]
    assert not any("hunter2" in word for word in [*dump, *restore, *rows_command(CLIENT)[0]])
    assert environment == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "PGAPPNAME": "kept",
        "PGDATABASE": "edms",
        "PGUSER": "me",
        "PGPASSWORD": "hunter2 $ecret",
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGSSLMODE": "verify-full",
        "PGPASSFILE": "/x",
    }
    assert also == {**environment, "PGDATABASE": "edms_new"}


def test_an_option_that_cannot_be_handed_on_is_refused():
    with pytest.raises(SourceRefused, match="sslpassword"):
        client_environment({**SETTINGS, "OPTIONS": {"sslpassword": "x"}}, {}, "edms")


def program(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_right_client_is_found(settings, tmp_path):
    for version in (12, 16, 18):
        folder = tmp_path / str(version)
        folder.mkdir()
        for name in ("pg_dump", "pg_restore"):
            program(folder, name, f"echo '{name} (PostgreSQL) {version}.1 (Debian)'")
    settings.BACKUP_POSTGRESQL_BIN = str(tmp_path / "16")
    assert find_client(16) == Client(tmp_path / "16", (16, 1))
    assert find_client(14).version == (16, 1)
    with pytest.raises(
        ClientMissing, match=r"version 17, and here are only older clients \(pg_dump 16.1 .*postgresql-client-17"
    ):
        find_client(17)
    settings.BACKUP_POSTGRESQL_BIN = str(tmp_path)
    with pytest.raises(ClientMissing, match="do not run"):
        find_client(12)


def recording_clients(folder, server_bin, text=""):
    """Programs that note how they are called, and then do their work."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program(
            folder,
            name,
            f'printf "%s\\n" {name} "$@" >> {folder}/arguments\n{text if name == "pg_dump" else ""}\n'
            f'exec {server_bin}/{name} "$@"\n',
        )


@pytest.mark.postgresql
def test_called_programs_of_a_real_backup_and_restore(postgres_host, postgres, tmp_path):
    recording_clients(tmp_path / "bin", postgres.bin)
    chosen = {"HOST_POSTGRESQL_BIN": str(tmp_path / "bin")}
    backup = postgres_host.json("trigger_backup", "--type", "FULL", **chosen)
    postgres_host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup", **chosen)

    said = (tmp_path / "bin/arguments").read_text()

    assert {"pg_dump", "pg_restore", "--compress=0"} <= set(said.splitlines())
    assert postgres.password not in said
    everything = "".join(
        path.read_text(errors="replace")
        for path in postgres_host.storage.rglob("*")
        if path.suffix in {".json", ".log"}
    )
    assert postgres.password not in everything


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[ "$1" = --version ] || { echo "pg_dump: error: out of cheese" >&2; exit 3; }', "out of cheese"),
        ('[ "$1" = --version ] || { head -c 100000 /dev/zero; exit 1; }', "exit code 1"),
        ('[ "$1" = --version ] || { head -c 100000 /dev/zero; kill -9 $$; }', "killed by signal 9"),
        ('[ "$1" = --version ] || { echo "it was $PGPASSWORD" >&2; exit 1; }', "it was \\*+"),
    ],
)
def test_a_client_that_fails_fails_the_backup(postgres_host, postgres, tmp_path, text, said):
    recording_clients(tmp_path / "bin", postgres.bin, text)
    answer = postgres_host.json("trigger_backup", "--type", "FULL", expect=1, HOST_POSTGRESQL_BIN=str(tmp_path / "bin"))
    assert re.search(said, answer["error"]), answer
    assert postgres.password not in json.dumps(answer)
    repository = postgres_host.storage / "repository/snapshots"
    assert list(repository.iterdir()) == []
    assert list((postgres_host.storage / "staging").glob("*/data/*")) == []


@pytest.mark.postgresql
def test_a_dump_that_only_looks_like_one_is_found_out(postgres_host, postgres, tmp_path):
    """Table names and no rows, exit code 0: the backup is not a success."""
    recording_clients(tmp_path / "bin", postgres.bin, f'[ "$1" = --version ] || exec {postgres.bin}/pg_dump -s "$@"')
    answer = postgres_host.json("trigger_backup", "--type", "FULL", expect=1, HOST_POSTGRESQL_BIN=str(tmp_path / "bin"))
    assert answer["status"] == "FAILED"
    assert "rows were captured, no data are there" in answer["error"]


@pytest.mark.postgresql
def test_the_database_goes_away_in_the_middle(postgres_host, postgres):
    with postgres.connect(postgres_host.name) as connection:
        connection.execute(
            "CREATE TABLE heavy AS SELECT g, repeat(md5(g::text), 60) AS t FROM generate_series(1, 60000) g"
        )
    stop = threading.Event()

    def cut_off():
        with contextlib.closing(postgres.connect()) as connection:
            while not stop.is_set():
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'pg_dump' AND query LIKE 'COPY public.heavy%%' AND datname = %s",
                    (postgres_host.name,),
                )
                time.sleep(0.002)

    executioner = threading.Thread(target=cut_off)
    executioner.start()
    try:
        answer = postgres_host.json("trigger_backup", "--type", "FULL", expect=1)
    finally:
        stop.set()
        executioner.join()
    assert "pg_dump of the database 'default' failed" in answer["error"]
    assert postgres_host.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"


@pytest.mark.postgresql
def test_a_client_older_than_the_server(postgres_host, tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program(folder, name, f"echo '{name} (PostgreSQL) 9.6.24'")
    answer = postgres_host.json("trigger_backup", "--type", "FULL", expect=1, HOST_POSTGRESQL_BIN=str(folder))
    assert "only older clients (pg_dump 9.6" in answer["error"]


@pytest.mark.postgresql
def test_time_limits_of_the_role_do_not_cut_the_backup(postgres_host, postgres):
    with postgres.connect(postgres_host.name) as connection:
        connection.execute(f"ALTER DATABASE \"{postgres_host.name}\" SET statement_timeout TO '300ms'")
        connection.execute("CREATE TABLE slow AS SELECT g FROM generate_series(1, 3000000) g")
    assert postgres_host.json("trigger_backup", "--type", "DATABASE")["status"] == "COMPLETED"


@pytest.mark.postgresql
def test_databases_that_services_name_are_databases_of_their_own(sqlite_host, postgres, tmp_path):
    """In the settings they differ by nothing but the service."""
    names = [f"service-{number}-{sqlite_host.home.parent.name[-8:]}" for number in (1, 2)]
    for name in names:
        postgres.create_database(name)
    services = {"first": names[0], "second": names[1], "again": names[1]}
    access = f"host=127.0.0.1\nport={postgres.port}\nuser={postgres.user}\npassword={postgres.password}\n"
    file = tmp_path / "services"
    file.write_text("".join(f"[{service}]\n{access}dbname={name}\n" for service, name in services.items()))
    changes = {"HOST_SERVICES": "first second", "PGSERVICEFILE": str(file)}
    try:
        backup = sqlite_host.json("trigger_backup", "--type", "DATABASE", **changes)
        sqlite_host.json("restore_backup", backup["job"], "--to-folder", str(tmp_path / "out"), **changes)
        assert sorted(path.name for path in (tmp_path / "out/databases").iterdir()) == ["default", "first", "second"]
        plan = sqlite_host.json("restore_backup", backup["job"], "--dry-run", expect=1, **changes)
        assert [line.partition(" in the settings")[0] for line in plan["blocking"]] == [
            "the database 'first' has no NAME",
            "the database 'second' has no NAME",
        ]
        named = {**changes, "HOST_SERVICES": "again", "HOST_SERVICE_NAME": names[1]}
        again = sqlite_host.json("trigger_backup", "--type", "DATABASE", **named)
        assert sqlite_host.json("restore_backup", again["job"], "--dry-run", **named)["blocking"] == []
    finally:
        for name in names:
            postgres.drop_database(name)


def test_silent_omissions_of_pg_dump_are_recorded(postgres):
    """A subscription, for a role that is no superuser. With it the database cannot be dropped, either."""
    name = f"subscribed-{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    with postgres.connect(name) as connection:
        connection.execute("CREATE SUBSCRIPTION news CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)")
        cursor = connection.cursor()
        of_superuser = read_server_facts(cursor, name)
        connection.execute("SET ROLE pg_monitor")
        of_another = read_server_facts(cursor, name)
        connection.execute("RESET ROLE")
        with pytest.raises(RestoreFailed, match='DROP SUBSCRIPTION "news"; and try again'):
            require_no_subscription(cursor, name)
        connection.execute("ALTER SUBSCRIPTION news SET (slot_name = NONE)")
        connection.execute("DROP SUBSCRIPTION news")
        require_no_subscription(cursor, name)
    postgres.drop_database(name)
    assert (of_superuser.not_dumped, of_another.not_dumped) == ([], ["subscription news"])
