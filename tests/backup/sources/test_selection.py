"""Patterns, migrations' leaves, and the readers."""

import datetime
import io

import pytest

from apps.backup.core.manifest import DatabaseRecord
from apps.backup.sources.engines.postgresql.read_dump import count_copied
from apps.backup.sources.errors import CaptureFailed, SourceRefused
from apps.backup.sources.files import FileRoot, Selection, file_roots
from apps.backup.sources.migrations import code_leaves, leaves
from apps.backup.sources.streams import MeasuredReader, ProcessReader
from apps.backup.sources.verify import verify_database


@pytest.mark.parametrize(
    ("include", "exclude", "path", "wanted"),
    [
        ((), (), "files/media", True),
        (("databases/*",), (), "files/media", False),
        (("databases/*",), (), "databases/default", True),
        ((), ("files/media",), "files/media", False),
        ((), ("media",), "files/media", False),
        ((), ("files/other/",), "files/media", True),
    ],
)
def test_sources(include, exclude, path, wanted):
    assert Selection(include, exclude).wants(path) is wanted


@pytest.mark.parametrize(
    ("include", "names", "idle"),
    [
        ((), ["databases/default", "files/media"], []),
        (("databases/*", "files/media"), ["databases/default", "files/media"], []),
        (("databases/*", "files/medai"), ["databases/default", "files/media"], ["files/medai"]),
        (("files/media/2026/*", "*"), ["databases/default", "files/media"], ["files/media/2026/*"]),
        # Patterns for another type of backup are no mistake.
        (("databases/*", "files/media"), ["files/media"], []),
        (("files/medai", "media", "files/media"), ["files/media"], ["files/medai", "media"]),
    ],
)
def test_patterns_that_include_nothing_are_known(include, names, idle):
    assert Selection(include, ()).unmatched_includes(names) == idle


def test_two_roots_of_one_name_are_refused_and_one_named_twice_is_one(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "documents")
    settings.BACKUP_FILE_ROOTS = {"media": tmp_path / "documents"}
    assert file_roots([]) == [FileRoot("media", tmp_path / "documents")]
    settings.BACKUP_FILE_ROOTS = {"media": tmp_path / "others"}
    with pytest.raises(SourceRefused, match="choose another name"):
        file_roots([])


@pytest.mark.parametrize(
    ("pattern", "path", "left_out"),
    [
        ("*.tmp", b"files/media/a/b.tmp", True),
        ("*.tmp", b"files/media/a.tmpx", False),
        ("cache", b"files/media/deep/cache", True),
        ("files/media/cache/*", b"files/media/cache/x", True),
        ("files/media/cache/*", b"files/extra/cache/x", False),
        ("[ab].bin", b"files/media/a.bin", True),
        ("*.t\u00fc", "files/media/x.tü".encode(), True),
        ("*.tmp", b"files/media/\xff.tmp", True),
    ],
)
def test_patterns(pattern, path, left_out):
    assert Selection((), (pattern,)).leaves_out(path) is left_out


def test_leaves_of_what_is_applied():
    everything = [("auth", "0001_initial"), ("auth", "0002_alter_permission_name_max_length"), ("gone", "0007_x")]
    assert leaves(everything) == {"auth": ["0002_alter_permission_name_max_length"], "gone": ["0007_x"]}
    assert code_leaves()["auth"] != ["0001_initial"]
    assert leaves([]) == {}


def test_measured_reader_knows_size_and_hash_only_at_the_end():
    found = []
    reader = MeasuredReader(io.BytesIO(b"abc"), lambda size, digest: found.append((size, digest)))
    assert reader.read(2) == b"ab"
    assert found == []
    assert reader.read(2) + reader.read(2) + reader.read(2) == b"c"
    assert found == [(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]


def read_all(reader):
    try:
        while reader.read(1000):
            pass
    finally:
        reader.close()


def test_process_reader_raises_after_the_last_byte_of_a_failure():
    reader = ProcessReader(["sh", "-c", "echo data; echo why pw >&2; exit 4"], {}, what="It", hidden=["pw"])
    with pytest.raises(CaptureFailed, match=r"It failed \(exit code 4\): why \*{8}"):
        read_all(reader)
    read_all(ProcessReader(["sh", "-c", "echo data; yes | head -c 1000000 >&2"], {}, what="It"))
    with pytest.raises(CaptureFailed, match="cannot be started"):
        ProcessReader(["/nowhere/pg_dump"], {}, what="It")


def test_rows_are_counted_by_lines_however_long():
    text = (
        b"SET x = 1;\n\nCOPY public.a (id, t) FROM stdin;\n1\tx\n2\t" + b"y" * 200_000 + b"\n\\.\n\n"
        b'COPY "S ""q""".b  FROM stdin;\n\\.\nCOPY public.c (id) FROM stdin;\nCOPY public.d (id) FROM stdin;\n\\.\n'
    )
    assert count_copied(io.BytesIO(text)) == {"public.a": 2, 'S "q".b': 0, "public.c": 1}


def test_names_over_several_lines_are_counted():
    text = b'COPY public."od\nd" ("a""\n""b", c) FROM stdin;\n1\t2\n\\.\n\nCOPY public.e (id) FROM stdin;\n1\n2\n\\.\n'
    assert count_copied(io.BytesIO(text)) == {"public.od\nd": 1, "public.e": 2}


class NoDumps:
    """A place without any dump."""

    def open_member(self, path):
        raise KeyError(path)


def test_a_dump_of_an_unknown_kind_of_database_is_a_finding():
    record = DatabaseRecord(
        alias="default",
        engine="oracle",
        path="databases/default/database.dmp",
        size=1,
        sha256="",
        cut_at=datetime.datetime.now(datetime.UTC),
        server_version="23",
        tables={},
        migrations={},
    )
    found = ["databases/default/database.dmp: this version cannot read a dump of oracle"]
    assert verify_database(NoDumps(), record, None) == found
