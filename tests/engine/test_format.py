"""Encoding and decoding of records: test vectors, properties, and invalid input."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.testing.pieces import Pieces

from strongroom import chunker, compression
from strongroom.errors import Damaged, UnsafeName, UnsupportedRepository
from strongroom.format import config as configs
from strongroom.format.envelope import decode_body, encode_body
from strongroom.format.go_text import encode_json, format_time, parse_time, quote_name, unquote_name
from strongroom.format.index import decode_index, encode_index
from strongroom.format.key import Cost, decode_key, encode_key, open_key
from strongroom.format.lock import LockRecord, decode_lock, encode_lock
from strongroom.format.pack import PackedBlob, decode_header, decode_length, encode_header, header_size
from strongroom.format.snapshot import Snapshot, Summary, decode_snapshot, encode_snapshot
from strongroom.format.tree import (
    Node,
    NodeKind,
    Xattr,
    decode_tree,
    encode_tree,
    go_mode,
    tree_faults,
    unix_permissions,
)
from strongroom.ids import BlobId, BlobKind, StorageId, blob_id

from .test_crypto import KEY

names = st.binary(min_size=1, max_size=40).filter(lambda n: b"/" not in n and b"\0" not in n and n not in {b".", b".."})
moments = st.integers(-(60 * 10**18), 250 * 10**18)
ids = st.binary(min_size=32, max_size=32).map(BlobId)


# Text


@pytest.mark.parametrize(
    ("raw", "quoted"),
    [
        (b'a "q"\\\t\x01', 'a \\"q\\"\\\\\\t\\x01'),
        (b"\xff\xfe\xed\xa0\x80", "\\xff\\xfe\\xed\\xa0\\x80"),
        ("é日🎉".encode(), "é日🎉"),
        ("\u00a0\u00ad\u200b\u2028\ue000".encode(), "\\u00a0\\u00ad\\u200b\\u2028\\ue000"),
        ("\U000e0001".encode(), "\\U000e0001"),
        (b"\a\b\f\n\r\v\x7f", "\\a\\b\\f\\n\\r\\v\\x7f"),
        (b"'", "'"),
    ],
)
def test_names_are_quoted_like_in_go(raw: bytes, quoted: str) -> None:
    assert quote_name(raw) == quoted
    assert unquote_name(quoted) == raw


@given(st.binary(max_size=60))
def test_every_name_round_trips(raw: bytes) -> None:
    assert unquote_name(quote_name(raw)) == raw


def test_octal_escapes_are_read() -> None:
    assert unquote_name(r"\101\377") == b"A\xff"


@pytest.mark.parametrize("quoted", ["\\", "\\q", "\\x1", "\\u12", 'a"b', "a\nb", "\\777", "\\U00110000", "\\ud800"])
def test_invalid_escapes_are_damage(quoted: str) -> None:
    with pytest.raises(Damaged):
        unquote_name(quoted)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:20.12Z", 1_700_000_000_120_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("9999-12-31T23:59:59Z", 253_402_300_799 * 10**9),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * 10**9),
        ("0000-03-01T00:00:00Z", -62_162_035_200 * 10**9),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    assert format_time(nanoseconds) == text
    assert parse_time(text) == nanoseconds


@given(moments)
def test_every_time_round_trips(nanoseconds: int) -> None:
    assert parse_time(format_time(nanoseconds)) == nanoseconds


def test_times_of_other_writers() -> None:
    assert parse_time("2023-11-14T23:13:20.12+01:00") == 1_700_000_000_120_000_000
    assert parse_time("2023-11-14t17:13:20.12-05:00") == 1_700_000_000_120_000_000
    assert format_time(10**9 * 10**12) == "9999-09-27T01:46:40Z", "the year alone is clamped, as in restic"
    for text in ("", "2023-11-14", "2023-13-14T00:00:00Z", "2023-11-14T00:00:00", "12023-11-14T00:00:00Z"):
        with pytest.raises(Damaged):
            parse_time(text)


def test_json_is_escaped_like_in_go() -> None:
    assert encode_json({"a": "<&>\u2028\u2029é\x7f"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028\\u2029é\x7f"}'.encode()


# Trees


def vector() -> Node:
    return Node(
        name=b'a "q"\\\t<\xc3\xa9\xff',
        kind=NodeKind.FILE,
        mode=0o644,
        mtime_ns=1_700_000_000_120_000_000,
        atime_ns=1_700_000_000_120_000_000,
        ctime_ns=1_700_000_000_000_000_000,
        uid=1000,
        gid=100,
        user="me",
        inode=7,
        device_id=64769,
        size=3,
        links=1,
        content=(blob_id(b"abc"),),
    )


def test_the_trees_of_the_specification() -> None:
    assert blob_id(encode_tree([])).hex() == "ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8"
    text = encode_tree([vector()]).replace(b"2023-11-14T22:13:20.12Z", b"2023-11-14T23:13:20.12+01:00")
    assert blob_id(text).hex() == "1ce8bfbbd15bda5110b5269198fcd614d2f7463c1b2a28d00093a1bc56bab4dd"
    assert decode_tree(text) == [vector()]
    assert list(tree_faults(text)) == []


nodes = st.builds(
    Node,
    name=names,
    kind=st.just(NodeKind.FILE),
    mode=st.integers(0, 0o777),
    mtime_ns=moments,
    atime_ns=moments,
    ctime_ns=moments,
    uid=st.integers(0, 2**32 - 1),
    gid=st.integers(0, 2**32 - 1),
    user=st.text(st.characters(blacklist_categories=("Cs",)), max_size=10),
    inode=st.integers(1, 2**64 - 1),
    device_id=st.integers(0, 2**64 - 1),
    size=st.integers(0, 2**63),
    links=st.integers(0, 5),
    content=st.lists(ids, max_size=3).map(tuple),
    xattrs=st.lists(
        st.builds(Xattr, name=st.text(st.characters(codec="utf-8"), min_size=1), value=st.binary()), max_size=2
    ).map(tuple),
)


@given(st.lists(nodes, max_size=8, unique_by=lambda node: node.name))
def test_every_tree_round_trips_in_canonical_form(entries: list[Node]) -> None:
    text = encode_tree(entries)
    assert decode_tree(text) == sorted(entries, key=lambda node: node.name)
    assert list(tree_faults(text)) == []
    assert text == encode_tree(reversed(entries))
    json.loads(text)


@given(st.integers(0, 0o7777), st.sampled_from(NodeKind))
def test_modes_round_trip(permissions: int, kind: NodeKind) -> None:
    assert unix_permissions(go_mode(kind, permissions)) == permissions


def test_modes_equal_those_of_go() -> None:
    assert go_mode(NodeKind.SYMLINK, 0o777) == 134218239
    assert go_mode(NodeKind.DIR, 0o755) == 2147484141


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/", b"nul\0"])
def test_encode_tree_refuses_unsafe_names(name: bytes) -> None:
    with pytest.raises(UnsafeName):
        encode_tree([Node(name=name, kind=NodeKind.FILE, content=())])


def test_encode_tree_refuses_duplicate_names() -> None:
    with pytest.raises(ValueError, match="Two entries"):
        encode_tree([vector(), vector()])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"nodes":null}',
        b'{"nodes":[{"name":"a","type":"irregular"}]}',
        b'{"nodes":[{"name":"a"}]}',
        b"[" * 100_000,
        b'{"nodes":[{"name":"a","type":"file","content":["zz"]}]}',
        b'{"nodes":[{"name":"\xff","type":"file"}]}',
    ],
)
def test_an_invalid_tree_is_damage(text: bytes) -> None:
    with pytest.raises(Damaged):
        decode_tree(text)


# Packs, index, envelope, compression


blobs = st.lists(
    st.tuples(st.sampled_from(BlobKind), ids, st.integers(32, 2**24), st.integers(0, 2**31)), min_size=1, max_size=30
).map(
    lambda rows: [
        PackedBlob(kind, identity, sum(row[2] for row in rows[:number]), length, plain)
        for number, (kind, identity, length, plain) in enumerate(rows)
    ]
)


@given(blobs)
def test_pack_headers_round_trip(listed: list[PackedBlob]) -> None:
    header = encode_header(listed)
    assert decode_header(header, sum(blob.length for blob in listed)) == listed
    assert header_size(listed) == len(header) + 36
    with pytest.raises(Damaged):
        decode_header(header, sum(blob.length for blob in listed) + 1)
    with pytest.raises(Damaged):
        decode_header(header[:-1], sum(blob.length for blob in listed))


def test_impossible_pack_headers_are_damage() -> None:
    with pytest.raises(Damaged):
        decode_header(b"\x04" + bytes(36), 0)
    with pytest.raises(Damaged):
        decode_header(b"\x00" + (31).to_bytes(4, "little") + bytes(32), 31)
    for tail, size in ((b"\xff\xff\xff\xff", 1 << 33), ((31).to_bytes(4, "little"), 1000), (b"\x00\x01\0\0", 100)):
        with pytest.raises(Damaged):
            decode_length(tail, size)


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32).map(lambda raw: StorageId(raw.hex())), blobs)))
def test_indexes_round_trip(packs: list[tuple[StorageId, list[PackedBlob]]]) -> None:
    assert list(decode_index(encode_index(packs))) == packs


def test_indexes_of_other_writers_are_read() -> None:
    assert list(decode_index(b'{"supersedes":["00"],"packs":null}')) == []
    for text in (b"{", b'{"packs":[{"id":"../x"}]}', b'{"packs":[{"id":"%s","blobs":[{}]}]}' % (b"ab" * 32)):
        with pytest.raises(Damaged):
            list(decode_index(text))


@given(st.binary(max_size=5000), st.integers(-3, 19))
def test_compression_round_trips(data: bytes, level: int) -> None:
    frame = compression.compress(data, level)
    assert compression.decompress(frame, len(data)) == data
    assert compression.decompress(frame + frame, 2 * len(data)) == data * 2


def test_decompress_limits_its_memory() -> None:
    bomb = compression.compress(bytes(50_000_000))
    with pytest.raises(Damaged, match="more than"):
        compression.decompress(bomb, 1000)
    for broken in (bomb[:-3], b"no zstd at all", bomb[:4] + b"\xff" + bomb[5:]):
        with pytest.raises(Damaged):
            compression.decompress(broken, 50_000_000)


def test_bodies_round_trip_and_plain_ones_are_read() -> None:
    assert decode_body(encode_body(b'{"a":1}'), 2) == b'{"a":1}'
    assert decode_body(b'{"a":1}', 2) == b'{"a":1}'
    assert decode_body(b'{"a":1}', 1) == b'{"a":1}'
    with pytest.raises(Damaged):
        decode_body(b"\x03xx", 2)


# Config, keys, locks, snapshots


def test_polynomials() -> None:
    assert configs.is_irreducible(0x3DA3358B4DC173)
    assert not configs.is_irreducible(0x3DA3358B4DC174)
    assert not configs.is_irreducible(1)
    assert configs.is_irreducible(0b111)
    assert not configs.is_irreducible(0b101)
    assert configs.random_polynomial().bit_length() == 54


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b'{"version":3,"id":"%s","chunker_polynomial":"3da3358b4dc173"}', UnsupportedRepository),
        (b'{"version":2,"id":"%s","chunker_polynomial":"3da3358b4dc173","is_hot":true}', UnsupportedRepository),
        (b'{"version":2,"id":"%s","chunker_polynomial":"8"}', Damaged),
        (b'{"version":2,"id":"zz%s","chunker_polynomial":"7"}', Damaged),
        (b'{"version":2,"id":"%s"}', Damaged),
        (b"garbage %s", Damaged),
    ],
)
def test_unusable_configs_are_refused(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        configs.decode_config(text % (b"ab" * 32))


def test_configs_round_trip() -> None:
    config = configs.Config.generate()
    assert configs.decode_config(configs.encode_config(config)) == config


def test_keys_open_with_their_passphrase_alone() -> None:
    text = encode_key(KEY, "päss", created="2026-01-01T00:00:00Z", username="u", hostname="h", cost=Cost(16, 1, 1))
    key = decode_key(text)
    assert open_key(key, "päss").encrypt == KEY.encrypt
    with pytest.raises(Damaged):
        open_key(key, "pass")
    assert list(json.loads(text)) == ["created", "username", "hostname", "kdf", "N", "r", "p", "salt", "data"]


@pytest.mark.parametrize(
    "change",
    [
        {"N": 3},
        {"N": 0},
        {"r": 0},
        {"p": 0},
        {"N": 1 << 30, "r": 8},
        {"N": 1 << 20, "p": 1 << 20},
        {"kdf": "argon2"},
        {"salt": "AAAA"},
        {"created": "yesterday"},
        {"data": 5},
    ],
)
def test_excessive_keys_are_refused_before_derivation(change: dict[str, object]) -> None:
    text = encode_key(KEY, "x", created="2026-01-01T00:00:00Z", username="u", hostname="h", cost=Cost(16, 1, 1))
    with pytest.raises(Damaged):
        decode_key(json.dumps(json.loads(text) | change).encode())


def test_locks_and_snapshots_round_trip() -> None:
    lock = LockRecord("2026-01-01T00:00:00Z", True, "host", "user", 42)
    assert decode_lock(encode_lock(lock)) == lock
    assert b'"uid"' not in encode_lock(lock)
    summary = Summary(backup_start="2026-01-01T00:00:00Z", backup_end="2026-01-01T00:00:01Z", files_new=3)
    snapshot = Snapshot(
        id=StorageId("ab" * 32), time_ns=5, tree=blob_id(b""), paths=("/a",), tags=("x",), uid=1, summary=summary
    )
    assert decode_snapshot(encode_snapshot(snapshot), snapshot.id) == snapshot
    least = decode_snapshot(b'{"tree":"%s"}' % blob_id(b"").hex().encode(), StorageId("ab" * 32))
    assert least.paths == ()
    with pytest.raises(Damaged):
        decode_snapshot(b'{"time":"2026-01-01T00:00:00Z"}', StorageId("ab" * 32))


# Chunks


@settings(max_examples=5)
@given(st.lists(st.integers(1, 3_000_000), max_size=40), st.integers(0, 2**32))
def test_chunks_do_not_depend_on_the_sizes_of_reads(sizes: list[int], seed: int) -> None:
    data = random.Random(seed).randbytes(9_000_000) + bytes(9_500_000)
    whole = [len(chunk) for chunk in chunker.split(Pieces(data, []))]
    pieces = list(chunker.split(Pieces(data, sizes)))
    assert [len(piece) for piece in pieces] == whole
    assert b"".join(pieces) == data
    assert max(whole) <= chunker.MAX_SIZE
    assert min(whole[:-1]) >= chunker.MIN_SIZE


@pytest.mark.parametrize("size", [0, 1, chunker.MIN_SIZE, chunker.MIN_SIZE + 1])
def test_small_streams_are_at_most_one_chunk_as_with_restic(size: int) -> None:
    assert [len(chunk) for chunk in chunker.split(Pieces(bytes(size), []))] == ([size] if size else [])


def test_a_change_in_the_middle_moves_few_chunks() -> None:
    data = random.Random(5).randbytes(30_000_000)
    before = {blob_id(chunk) for chunk in chunker.split(Pieces(data, []))}
    after = {blob_id(chunk) for chunk in chunker.split(Pieces(data[:15_000_000] + b"inserted" + data[15_000_000:], []))}
    assert len(after - before) <= 3
