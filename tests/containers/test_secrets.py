"""The secret files: made once, each readable by the one user that needs it."""

import os
import stat
import subprocess

from tests.containers.files import ROOT, compose


def make_secrets(folder):
    return subprocess.run([ROOT / "docker/make-secrets", folder], check=False, capture_output=True, text=True)


def test_they_are_made_once(tmp_path):
    folder = tmp_path / "secrets"
    done = make_secrets(folder)
    if os.geteuid() != 0:
        assert done.returncode == 1
        assert "Run it as root" in done.stderr
        assert not folder.exists()
        return
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == set(compose()["secrets"])
    assert made["database_password"] == made["database_password_server"]
    assert len(set(made.values())) == 3
    assert all(len(text) >= 50 and text.isascii() and text == text.strip() for text in made.values())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    users = {path.name: (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}
    server = users.pop("database_password_server")
    assert server == (999, 0o600)
    assert set(users.values()) == {(10001, 0o600)}
    # Nothing secret is said, and where the copies go is.
    assert not any(text in done.stdout + done.stderr for text in made.values())
    assert "backup_passphrase to another place" in done.stdout

    again = make_secrets(folder)
    assert again.returncode == 0
    assert again.stdout.count("kept ") == 4
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
