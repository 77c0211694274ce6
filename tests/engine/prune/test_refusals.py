"""Prune and forget refuse requests and repositories that they could harm."""

import os
from datetime import timedelta

import pytest
from tests.engine.testing.histories import (
    AT_ONCE,
    THOROUGH,
    all_good,
    content,
    exclusive,
    forget_and_prune,
    history,
    make,
    names,
    save,
)
from tests.engine.testing.pieces import Pieces
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends.base import CONFIG, FileHandle
from strongroom.entries import Stream
from strongroom.errors import (
    AppendOnly,
    Damaged,
    LockLost,
    PlanOutdated,
    RepositoryLocked,
    SnapshotProtected,
    UnsupportedRepository,
)
from strongroom.format.references import decode_references
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.prune import PruneOptions, execute_prune, forget, plan_prune
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.testing.broken import SHELF, Broken, flip, only, pack_of
from strongroom.testing.memory import MemoryBackend


def test_a_running_backup_excludes_prune() -> None:
    repository = make()
    tried = []

    def open_stream() -> Pieces:
        with pytest.raises(RepositoryLocked), exclusive(repository):
            pass
        tried.append(True)
        return Pieces(b"content", [])

    archive(repository, [Stream(b"a", open_stream)], ArchiveOptions(paths=["/a"], lock_timing=AT_ONCE))
    assert tried


def test_prune_executes_only_a_plan_of_the_held_lock() -> None:
    repository = make()
    snapshots = history(repository, 3)
    early = plan_prune(repository, options=THOROUGH)
    with exclusive(repository) as lock:
        with pytest.raises(PlanOutdated, match="under the lock"):
            execute_prune(repository, early, lock)
        plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
        with pytest.raises(PlanOutdated, match="still exist"):
            execute_prune(repository, plan, lock)
        forget(repository, [snapshots[0].id], lock)
        repository.save_snapshot(Snapshot(time_ns=1, tree=snapshots[1].tree, paths=("/other",)))
        with pytest.raises(PlanOutdated, match="has changed"):
            execute_prune(repository, plan, lock)
        plan = plan_prune(repository, options=THOROUGH)
        execute_prune(repository, plan, lock)
        with pytest.raises(PlanOutdated, match="has changed"):
            execute_prune(repository, plan, lock)
    with pytest.raises(LockLost, match="released"):
        execute_prune(repository, plan, lock)
    all_good(repository)


def test_a_lock_must_be_exclusive_and_of_this_repository() -> None:
    repository, other = make(), make()
    snapshot = history(repository, 1)[0]
    with repository.lock(timing=AT_ONCE) as shared, exclusive(other) as elsewhere:
        plan = plan_prune(repository)
        for lock in (shared, elsewhere):
            with pytest.raises(ValueError, match="exclusive lock"):
                execute_prune(repository, plan, lock)
            with pytest.raises(ValueError, match="exclusive lock"):
                forget(repository, [snapshot.id], lock)
    assert len(repository.snapshots()) == 1


def test_a_lost_lock_stops_prune_before_the_next_removal() -> None:
    repository = make()
    snapshots = history(repository, 3)
    with repository.lock(exclusive=True, timing=Timing(settle=0, refresh=3600, expire=3)) as lock:
        plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
        forget(repository, [snapshots[0].id], lock)
        before = names(repository.backend, FileKind.PACK)
        lock._renewed -= 10
        with pytest.raises(LockLost):
            execute_prune(repository, plan, lock)
        with pytest.raises(LockLost):
            forget(repository, [snapshots[1].id], lock)
    assert names(repository.backend, FileKind.PACK) >= before
    assert len(repository.snapshots()) == 2


def test_forget_is_idempotent() -> None:
    repository = make()
    one, two = history(repository, 2)
    with exclusive(repository) as lock:
        assert forget(repository, [one.id, one.id], lock) == [one.id]
        assert forget(repository, [one.id], lock) == []
    assert [snapshot.id for snapshot in repository.snapshots()] == [two.id]
    assert content(repository, two)


def test_an_unreadable_snapshot_can_be_forgotten_by_id() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    history(repository, 2)
    bad = only(repository.backend, FileKind.SNAPSHOT)
    flip(repository.backend, bad, 30)
    with pytest.raises(Damaged, match=bad.name):
        plan_prune(repository)
    forget_damaged = StorageId(bad.name)
    with exclusive(repository) as lock:
        assert forget(repository, [forget_damaged], lock) == [forget_damaged]
    forget_and_prune(repository)
    all_good(repository)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('"Never"', "for ever"),
        ('{"After":"2100-01-01T00:00:00Z"}', "until 2100-01-01T00:00:00Z"),
        ('{"Sometime":1}', "for ever"),
        ('{"After":"2000-01-01T00:00:00Z"}', ""),
        ('"NotSet"', ""),
    ],
)
def test_snapshots_protected_by_rustic_are_kept(mark: str, words: str) -> None:
    repository = make()
    snapshots = history(repository, 2)
    text = repository.load_file(FileKind.SNAPSHOT, snapshots[0].id)
    marked = repository.save_file(FileKind.SNAPSHOT, text[:-1] + b',"delete":' + mark.encode() + b"}")
    with exclusive(repository) as lock:
        if words:
            with pytest.raises(SnapshotProtected, match=words):
                forget(repository, [snapshots[1].id, marked], lock)
            assert len(repository.snapshots()) == 3
        else:
            assert forget(repository, [marked], lock) == [marked]


def with_config(repository: Repository, text: str) -> Repository:
    repository.backend.remove(CONFIG)
    sealed = repository.master.seal(text.replace("ID", repository.id).encode())
    repository.backend.save(CONFIG, [sealed])
    return Repository.open(repository.backend, PASSPHRASE)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ('{"version":2,"id":"ID","chunker_polynomial":"25b468838dcb75","append_only":true}', AppendOnly),
        ('{"version":1,"id":"ID","chunker_polynomial":"25b468838dcb75"}', UnsupportedRepository),
    ],
)
def test_append_only_and_version_1_repositories_are_not_pruned(config: str, error: type[Exception]) -> None:
    repository = make()
    snapshot = history(repository, 1)[0]
    marked = with_config(repository, config)
    with exclusive(repository) as lock:
        plan = plan_prune(repository, options=THOROUGH)
        for attempt in (
            lambda: plan_prune(marked),
            lambda: forget(marked, [snapshot.id], lock),
            lambda: execute_prune(marked, plan, lock),
        ):
            with pytest.raises(error):
                attempt()


def test_a_hot_repository_is_not_even_opened() -> None:
    with pytest.raises(UnsupportedRepository, match="hot"):
        with_config(make(), '{"version":2,"id":"ID","chunker_polynomial":"25b468838dcb75","is_hot":true}')


def test_prune_refuses_a_repository_without_snapshots() -> None:
    repository = make()
    assert plan_prune(repository, options=THOROUGH).empty
    snapshots = history(repository, 2)
    for snapshot in snapshots:
        repository.backend.remove(FileHandle(FileKind.SNAPSHOT, snapshot.id))
    with pytest.raises(Damaged, match="no snapshot"):
        plan_prune(repository, options=THOROUGH)
    again = save(repository, {b"a": b"a"})
    forget_and_prune(repository, [again])
    assert list(repository.backend.list_files(FileKind.PACK)) == []


@pytest.mark.parametrize("wrong", [{"max_unused": -0.1}, {"max_unused": float("nan")}, {"grace": timedelta(-1)}])
def test_negative_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        PruneOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", SHELF, ids=lambda broken: broken.name.replace(" ", "-"))
def test_prune_does_not_damage_a_broken_repository_further(broken: Broken) -> None:
    """Either prune refuses and changes nothing, or all content that was readable before is readable after."""
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    repository.add_key("another", cost=CHEAP)
    good = save(repository, {b"a": b"first", b"b": os.urandom(50_000), b"c": b""})
    expected = content(repository, good)
    broken.damage(repository, repository.backend)
    before = repository.backend.copy()
    readable = legible(repository, good)
    assert not broken.restorable or readable == expected or broken.name.startswith(("index", "bit flipped in the"))
    try:
        forget_and_prune(repository)
    except Damaged:
        repository.backend.modified = before.modified
        assert repository.backend.files == before.files
    assert legible(repository, good) == readable
    must_refuse = {
        "pack-missing",
        "index-damaged",
        "index-disagrees",
        "snapshot-damaged",
        "blob-missing",
    } & broken.codes
    if must_refuse and broken.name != "index names a pack that never was":
        with pytest.raises(Damaged):
            plan_prune(repository, options=THOROUGH)


def legible(repository: Repository, snapshot: Snapshot) -> dict[bytes, bytes] | str:
    try:
        return content(repository, snapshot)
    except Damaged:
        return "damaged"


def test_prune_names_a_truncated_pack_that_is_needed() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    history(repository, 1)
    pack = pack_of(repository, BlobKind.DATA)
    repository.backend.files[pack] = repository.backend.files[pack][:-1]
    with pytest.raises(Damaged, match=f"{pack.name} has .* bytes instead"):
        plan_prune(repository)


def test_damage_found_while_repacking_stops_prune() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    snapshots = history(repository, 3)
    plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
    index = repository.load_index()
    pack, blob = next(
        place for _, places in index.blobs() for place in places if place[0] in plan.repack.names and plan.keeps(*place)
    )
    flip(repository.backend, FileHandle(FileKind.PACK, pack), blob.offset + 20)
    packs = names(repository.backend, FileKind.PACK)
    with pytest.raises(Damaged, match=f"{pack} is damaged"):
        forget_and_prune(repository, snapshots[:1])
    assert names(repository.backend, FileKind.PACK) >= packs


def test_references_are_found_on_nodes_of_any_kind() -> None:
    data, subtree = "11" * 32, "22" * 32
    text = f'{{"nodes":[{{"type":"new","content":["{data}"]}},{{"type":"dir","subtree":"{subtree}","content":null}}]}}'
    references = decode_references(text.encode())
    assert ([blob.hex() for blob in references.content], [blob.hex() for blob in references.subtrees]) == (
        [data],
        [subtree],
    )
    for wrong in ('{"nodes":[{"type":"dir"}]}', '{"nodes":[{"content":["zz"]}]}', "{}", "nonsense"):
        with pytest.raises(Damaged):
            decode_references(wrong.encode())
