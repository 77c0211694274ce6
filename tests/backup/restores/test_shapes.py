"""What a backup of a database says of its restore is what the restore does, for an application without superuser."""

import shutil
import uuid
from pathlib import Path

import pytest
from tests.backup.restores.shapes import APP, SHAPES, application, reader
from tests.backup.sources.hosting import Host, _environment

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="session")
def plain(postgres, tmp_path_factory):
    """A home whose database `plain` belongs to the application."""
    with postgres.connect() as connection:
        connection.execute(f"CREATE ROLE {APP} LOGIN CREATEDB PASSWORD '{APP}'")
        connection.execute(f"CREATE DATABASE plain TEMPLATE template0 ENCODING 'UTF8' OWNER {APP}")
    url = application(postgres).url("plain")
    host = Host(tmp_path_factory.mktemp("plain"), {**_environment(), "DATABASE_URL": url})
    host.run("migrate", "-v0", "--run-syncdb")
    host.media.mkdir(exist_ok=True)
    return host.home


@pytest.fixture
def app_host(plain: Path, postgres, tmp_path: Path):
    """A project whose role is no superuser, and owns its database."""
    name = f"app-{uuid.uuid4().hex[:8]}"
    with postgres.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE plain OWNER {APP}')
    home = tmp_path / "home"
    shutil.copytree(plain, home)
    host = Host(home, {**_environment(), "DATABASE_URL": application(postgres).url(name)})
    host.have_repository()
    host.server, host.name = postgres, name
    yield host
    for left in (host.name, *host.leftovers()):
        postgres.drop_database(left)
    with postgres.connect() as connection:
        connection.execute(f"ALTER ROLE {APP} NOSUPERUSER CREATEDB")
        for role in (reader(host), f"{reader(host)} two"):
            connection.execute(f'DROP ROLE IF EXISTS "{role}"')


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_what_the_status_says_is_what_the_restore_does(app_host, postgres, shape):
    shape.apply(app_host, postgres)
    before = shape.answers(app_host, postgres)

    backup = app_host.json("trigger_backup", "--type", "DATABASE")

    assert backup["status"] == "COMPLETED"
    if shape.fails:
        assert (backup["trust"], backup["rehearsal_state"]) == ("STORED", "FAILED"), backup
        plan = app_host.json("restore_backup", backup["job"], "--dry-run", expect=1)
        for name in shape.fails:
            assert any(name in warning for warning in backup["warnings"]), backup["warnings"]
            assert any(name in line for line in plan["blocking"]), plan["blocking"]
    else:
        assert (backup["trust"], backup["rehearsal_state"], backup["warnings"]) == ("VERIFIED", "PASSED", []), backup
    app_host.server.drop_database(app_host.name)

    options = [word for name in shape.leave_out for word in ("--leave-out", name)]
    restored = app_host.json("restore_backup", backup["job"], "--yes", *options)

    assert restored["status"] == "COMPLETED"
    assert shape.answers(app_host, postgres) == before
    assert app_host.leftovers() == []
