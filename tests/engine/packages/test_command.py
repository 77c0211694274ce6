"""`strongroom package`: list, verify and unpack, run in this process."""

import hashlib
import json
import os
import stat

import pytest
from tests.engine.packages.test_hostile import file, folder, write
from tests.engine.packages.test_writing import NOW, SECRET, stream
from tests.engine.testing.gnupg import PASSPHRASE

from strongroom.cli import main
from strongroom.entries import Folder
from strongroom.packages import extraction, write_package

ROWS = b'[1,"a"]\n[2,"b"]\n'
DUMP = b"PGDMP"
RED = "\x1b[31mred\u202egpj.exe".encode()
"""A name that would colour the terminal, and show the end of the line from right to left."""


def manifest(**changes):
    record = {
        "format": 1,
        "software": "edms-backup 0.1",
        "cut_at": "2026-01-01T00:00:00.000001Z",
        "databases": [
            {
                **{"alias": "default", "engine": "postgresql", "server_version": "16.3", "unknown": [1]},
                **{"path": "databases/default/database.dump", "size": 5, "sha256": hashlib.sha256(DUMP).hexdigest()},
                "tables": {"public.a": 1200, "public.b": 34},
            }
        ],
        "data": [
            {
                "alias": "default",
                "tables": [
                    {"name": "a", "path": "data/a.ndjson", "rows": 2, "sha256": hashlib.sha256(ROWS).hexdigest()}
                ],
            }
        ],
        "files": [{"name": "media", "files": 2, "bytes": 1_000_003}],
        "problems": 0,
    }
    return json.dumps({**record, **changes}).encode()


def package(path, *, passphrase=SECRET, data=ROWS, described=None):
    entries = [
        Folder(b"data", [stream(b"a.ndjson", data)]),
        Folder(b"databases", [Folder(b"default", [stream(b"database.dump", DUMP)])]),
        Folder(b"files", [Folder(b"media", [stream(RED, b"x" * 1_000_000), stream(b"\xff", b"raw")])]),
        stream(b"manifest.json", manifest() if described is None else described),
    ]
    write_package(path, entries, mtime_ns=NOW, passphrase=passphrase)
    return path


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.delenv("BACKUP_PASSWORD_COMMAND", raising=False)
    monkeypatch.delenv("BACKUP_PASSWORD_FILE", raising=False)
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE.decode())


@pytest.fixture
def run(capsys):
    def command(*arguments, code=0):
        assert main(["package", *map(str, arguments)]) == code
        said = capsys.readouterr()
        assert PASSPHRASE.decode() not in said.out + said.err
        return said

    return command


def test_list_shows_the_manifest_the_members_and_the_result(run, tmp_path):
    lines = run("list", package(tmp_path / "p.tar.gz.gpg")).out.splitlines()
    assert lines[:4] == [
        "backup of 2026-01-01T00:00:00.000001Z by edms-backup 0.1",
        "database default: 2 tables, 1,234 rows, 5 bytes (postgresql 16.3)",
        "data default: 1 tables, 2 rows, as text",
        "files media: 2 files, 1.0 MB",
    ]
    assert [line.split()[-1] for line in lines[5:-1]] == [
        *("README.txt", "data/", "data/a.ndjson", "databases/", "databases/default/"),
        *("databases/default/database.dump", "files/", "files/media/"),
        *("files/media/\\x1b[31mred\\u202egpj.exe", "files/media/\\xff", "manifest.json", "SHA256SUMS"),
    ]
    assert lines[-5].split() == ["1.0", "MB", "files/media/\\x1b[31mred\\u202egpj.exe"]
    assert lines[-1].startswith("intact: 7 files (1.0 MB) and 5 folders")
    long = run("list", "-l", tmp_path / "p.tar.gz.gpg").out
    assert "-0600         0:0     16 bytes 2026-01-0" in long
    answer = json.loads(run("list", "--json", tmp_path / "p.tar.gz.gpg").out)
    assert (answer["whole"], answer["files"], answer["error"], len(answer["members"])) == (True, 7, None, 12)
    assert answer["members"][2]["size"] == 16
    assert answer["contents"]["databases"][0]["tables"] == {"public.a": 1200, "public.b": 34}


def test_list_shows_the_members_before_the_damage(run, tmp_path):
    path = package(tmp_path / "p.tar.gz", passphrase=None)
    path.write_bytes(path.read_bytes()[:-30])
    said = run("list", path, code=1)
    assert "data/a.ndjson" in said.out
    assert "intact" not in said.out
    assert said.err.startswith("error: The package")
    answer = json.loads(run("list", "--json", path, code=1).out)
    assert (answer["whole"], answer["contents"]) == (False, None)
    assert answer["error"]


def test_verify(run, tmp_path, monkeypatch):
    path = package(tmp_path / "p.tar.gz.gpg")
    assert run("verify", path).out.startswith("intact: 7 files")
    assert json.loads(run("verify", "--json", path).out)["good"] is True
    (tmp_path / "secret").write_bytes(PASSPHRASE + b"\n")
    monkeypatch.setenv("BACKUP_PASSWORD", "wrong")
    assert run("verify", "--password-file", tmp_path / "secret", path).err == ""
    assert "wrong passphrase" in run("verify", path, code=12).err
    assert "wrong passphrase" in run("list", "--json", path, code=12).err
    monkeypatch.delenv("BACKUP_PASSWORD")
    assert "No passphrase is set" in run("verify", path, code=1).err
    assert "There is no package" in run("verify", tmp_path / "none", code=1).err


BAD = {
    "rows": ({"data": ROWS + b"[3]\n"}, "data/a.ndjson: its content does not match its hash"),
    "hash": (
        {"described": manifest(databases=[{"path": "x", "size": 1, "sha256": "0"}])},
        "x: it is in manifest.json, but not",
    ),
    "root": (
        {"described": manifest(files=[{"name": "other", "files": 0, "bytes": 0}])},
        "files/other: it is in manifest.json",
    ),
    "added": ({"described": manifest(data=[])}, "data/a.ndjson: it is in the package, but not in manifest.json"),
    "types": ({"described": manifest(files=7)}, "Cannot read manifest.json"),
    "depth": ({"described": b'{"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"}, "Cannot read manifest.json"),
    "no JSON": ({"described": b"\xff"}, "Cannot read manifest.json"),
    "lines": (
        {
            "described": manifest(
                data=[
                    {
                        "tables": [
                            {
                                **{"name": "a", "path": "data/a.ndjson", "rows": 3},
                                "sha256": hashlib.sha256(ROWS).hexdigest(),
                            }
                        ]
                    }
                ]
            )
        },
        "it has 2 lines, but manifest.json lists 3 rows",
    ),
    "size": (
        {
            "described": manifest(
                databases=[
                    {
                        **{"path": "databases/default/database.dump", "size": 6},
                        "sha256": hashlib.sha256(DUMP).hexdigest(),
                    }
                ]
            )
        },
        "it has 5 bytes, but manifest.json lists 6",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_verify_compares_with_the_manifest(run, tmp_path, bad):
    changes, said = BAD[bad]
    path = package(tmp_path / "p.tar.gz", passphrase=None, **changes)
    assert said in run("verify", path, code=1).err
    answer = json.loads(run("verify", "--json", path, code=1).out)
    # A manifest with another dump does not list the dump of the package.
    findings = 2 if bad == "hash" else 1
    assert (answer["good"], len(answer["findings"]), answer["whole"]) == (False, findings, True)


def test_verify_reports_files_that_were_not_stored(run, tmp_path):
    described = manifest(files=[{"name": "media", "files": 3, "bytes": 1_000_004}], problems=1)
    path = package(tmp_path / "p.tar.gz", passphrase=None, described=described)
    said = run("verify", path, code=3)
    assert "has 2 files with 1000003 bytes, but when it was made there were 3 files with 1000004 bytes" in said.err
    assert "1 entries could not be read" in said.err
    assert said.out.startswith("intact")


def test_unpack(run, tmp_path):
    path = package(tmp_path / "p.tar.gz.gpg")
    run("unpack", path, "--target", tmp_path / "a" / "all")
    assert (tmp_path / "a/all/data/a.ndjson").read_bytes() == ROWS
    assert stat.S_IMODE((tmp_path / "a/all").stat().st_mode) == 0o700
    assert "not an empty folder" in run("unpack", path, "-t", tmp_path / "a/all", code=1).err
    assert "Not a directory" in run("unpack", path, "-t", path, code=1).err
    answer = json.loads(run("unpack", path, "-t", tmp_path / "part", "--path", "/files/media/", "--json").out)
    assert (answer["files"], answer["folders"], answer["bytes"]) == (2, 0, 1_000_003)
    assert sorted(os.listdir(os.fsencode(tmp_path / "part"))) == [RED, b"\xff"]
    run("unpack", path, "-t", tmp_path / "one", "--path", "data/a.ndjson")
    assert [one.name for one in (tmp_path / "one").iterdir()] == ["a.ndjson"]
    assert (tmp_path / "one/a.ndjson").stat().st_mtime_ns == NOW
    assert "has no 'data/b'" in run("unpack", path, "-t", tmp_path / "none", "--path", "data/b", code=1).err
    assert not (tmp_path / "none").exists()


def test_unpack_writes_nothing_before_the_package_is_verified(run, tmp_path, monkeypatch):
    evil = write(tmp_path / "evil.tar.gz", [folder("files"), file("files/../../x"), file("manifest.json", b"{}")])
    assert "lead outside" in run("unpack", evil, "-t", tmp_path / "out", code=1).err
    path = package(tmp_path / "p.tar.gz.gpg")
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    assert "is damaged" in run("unpack", path, "-t", tmp_path / "out", code=1).err
    assert not (tmp_path / "out").exists()
    path.unlink()
    package(path)
    real = os.statvfs(tmp_path)
    full = os.statvfs_result((*real[:4], 2, *real[5:]))
    monkeypatch.setattr(extraction.os, "statvfs", lambda _: full)
    assert "bytes free, but 1,0" in run("unpack", path, "-t", tmp_path / "out", code=1).err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_shell_completes_the_verbs(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert all(f"package_{verb}" in script for verb in ("list", "verify", "unpack"))
