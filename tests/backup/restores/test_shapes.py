"""The restore does what the rehearsal of the backup says, for an application without superuser."""

import psycopg
import pytest
from tests.backup.testing.shapes import SHAPES

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_status_and_restore_agree(app_host, postgres, shape):
    with postgres.connect() as connection:
        version = connection.info.server_version // 10000
    if version >= shape.refused_from:
        with pytest.raises(psycopg.Error, match="does not exist"):
            shape.apply(app_host, postgres)
        return
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
