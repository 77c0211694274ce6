"""A disk of the database server without room: nothing is begun that would end the server, and then all works again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.small_disk import mount

from demo.private_postgres import private_postgres

pytestmark = pytest.mark.postgresql


@pytest.fixture
def server_disk() -> Iterator[Path]:
    """A small disk that the server's own user can reach."""
    place = Path(tempfile.mkdtemp(prefix="server-disk-"))
    place.chmod(0o755)
    mount("-t", "tmpfs", "-o", "size=300m,mode=0777", "none", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)
        shutil.rmtree(place)


def leave(disk: Path, size: int) -> None:
    status = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - size)


def test_a_server_without_room_is_not_filled(new_edms, server_disk):
    new_edms.have_repository()
    with private_postgres(server_disk / "server") as server:
        server.create_database("edms")
        new_edms.environment["DATABASE_URL"] = server.url("edms")
        new_edms.run("migrate", "-v0")
        backup = new_edms.json("trigger_backup", "--type", "DATABASE")
        leave(server_disk, 24 << 20)
        tight = new_edms.json("trigger_backup", "--type", "DATABASE")
        refused = new_edms.run("restore_backup", backup["job"], "--yes", "--no-safety-backup", expect=1)
        with server.connect("edms") as connection:
            jobs = connection.execute("SELECT trust, rehearsal_state FROM backup_backupjob ORDER BY id").fetchall()
            there = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'edms%'").fetchall()
        (server_disk / "filler").unlink()
        restored = new_edms.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")

    assert jobs == [("VERIFIED", "PASSED"), ("STORED", "IMPOSSIBLE")]
    assert any("The disk of the database server has" in line for line in tight["warnings"])
    assert "bytes free, but the restore needs" in refused.stdout + refused.stderr
    assert str(server_disk) in refused.stdout + refused.stderr
    assert there == [("edms",)], "the server is up, and has no further database"
    assert restored["status"] == "COMPLETED"
