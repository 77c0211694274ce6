"""The weekly policy: an encrypted package on its own, the loss of everything, and what is left without a passphrase."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def tree(zoo) -> dict[str, bytes]:
    return {str(path.relative_to(zoo.media)): path.read_bytes() for path in zoo.media.rglob("*") if path.is_file()}


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_the_weekly_export_comes_back_after_the_loss_of_everything(zoo, engine, request):
    system = zoo(engine, migrated=True)
    values = system.fill()
    files = tree(system)
    assert files
    options = ("--type", "EXPORT", "--frequency", "ON_DEMAND", "--encryption", "yes", "--yes")
    system.run("manage_backup_configs", "--create", "--name", "weekly", *options)
    made = system.json("trigger_backup", "--config", "weekly")
    package = Path(made["backup_file_path"])
    assert (made["status"], made["trust"], package.parent) == ("COMPLETED", "VERIFIED", system.storage / "packages")
    assert package.name.startswith("weekly-")
    assert package.name.endswith(".tar.gz.gpg")
    assert made["stored_size"] == package.stat().st_size
    shutil.rmtree(system.media)
    if engine == "sqlite":
        for path in system.home.glob("zoo.sqlite3*"):
            path.unlink()
    else:
        request.getfixturevalue("postgres").drop_database(system.name)

    wrong = system.run("restore_backup", str(package), "--yes", expect=12, BACKUP_PASSWORD="wrong")
    assert "wrong passphrase" in wrong.stderr
    result = system.json("restore_backup", str(package), "--yes")

    assert result["status"] == "COMPLETED"
    assert (system.show(), tree(system)) == (values, files)
    # The catalogue was lost too, and knows the package again.
    again = system.json("verify_backup", made["job"])
    assert (again["backup_file_path"], again["trust"], again["recorded"]) == (str(package), "VERIFIED", True)
