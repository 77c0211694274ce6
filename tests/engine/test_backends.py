"""The contract for both backends, and further properties of the local folder."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.testing.restic import environment, let_everybody_through

from strongroom.backends import FileHandle, LocalBackend
from strongroom.backends.base import CONFIG, Leftover
from strongroom.errors import BackendError, FileMissing, StorageDenied, StorageFull
from strongroom.ids import FileKind
from strongroom.testing.contract import BackendContract, handle_of
from strongroom.testing.faults import Fault, FaultyBackend, InjectedFault
from strongroom.testing.memory import MemoryBackend


class TestMemory(BackendContract):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend()


class TestLocal(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> LocalBackend:
        return LocalBackend(tmp_path / "new" / "place")


class TestFaultyWithoutFault(BackendContract):
    @pytest.fixture
    def backend(self) -> FaultyBackend:
        return FaultyBackend(MemoryBackend())


@pytest.mark.parametrize("name", ["", "..", "../" + "a" * 61, "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "/etc"])
def test_file_handle_refuses_invalid_names(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        FileHandle(FileKind.PACK, name)
    with pytest.raises(ValueError, match="not the name"):
        FileHandle(FileKind.CONFIG, "a" * 64)


def test_list_files_ignores_foreign_files(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    backend.create()
    good = handle_of(b"good")
    backend.save(good, [b"good"])
    folder = tmp_path / "data" / good.name[:2]
    for stray in ("README", good.name + "-tmp-0011", good.name.upper(), "x" * 64):
        (folder / stray).write_bytes(b"?")
    (folder / ("b" * 64)).symlink_to(folder / good.name)
    (folder / ("c" * 64)).mkdir()
    (tmp_path / "data" / ("d" * 64)).write_bytes(b"?")
    (tmp_path / "data" / "not-a-prefix").mkdir()
    assert [file.name for file in backend.list_files(FileKind.PACK)] == [good.name]


def test_list_leftovers_lists_only_files_of_interrupted_saves(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    assert list(backend.list_leftovers()) == []
    backend.create()
    good = handle_of(b"good")
    backend.save(good, [b"good"])
    left = {
        f"data/{good.name[:2]}/{good.name}-tmp-0011": b"12345",
        f"index/{good.name}-tmp-2938475610": b"as restic names it",
        "config-tmp-ab": b"",
    }
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    for stranger in ("mine-tmp-0011", f"{good.name}-tmp-", f"{good.name}-tmp-x.pdf", f"keys/{good.name}.tmp"):
        (tmp_path / stranger).write_bytes(b"?")
    (tmp_path / f"{good.name}-tmp-1").symlink_to(tmp_path / "keys")
    (tmp_path / f"{good.name}-tmp-2").mkdir()
    found = list(backend.list_leftovers())
    assert {one.name: one.size for one in found} == {name: len(content) for name, content in left.items()}
    assert all(one.modified and abs(time.time() - one.modified) < 60 for one in found)
    for one in found:
        backend.remove_leftover(one)
    assert list(backend.list_leftovers()) == []
    with pytest.raises(FileMissing):
        backend.remove_leftover(found[0])
    with pytest.raises(BackendError, match="no temporary file"):
        backend.remove_leftover(Leftover(f"data/{good.name[:2]}/{good.name}", 4))
    assert backend.load(good) == b"good"


def test_only_the_owner_can_access_files_and_folders(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path / "r")
    backend.create()
    handle = handle_of(b"x")
    backend.save(handle, [b"x"])
    path = tmp_path / "r/data" / handle.name[:2] / handle.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700
    backend.save(CONFIG, [b"config"])
    (tmp_path / "r/config").chmod(0o440)
    shared = handle_of(b"shared")
    backend.save(shared, [b"shared"])
    path = tmp_path / "r/data" / shared.name[:2] / shared.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_a_full_disk_raises_and_leaves_no_file(tmp_path: Path, under_limit: Callable[[int], None]) -> None:
    backend = LocalBackend(tmp_path)
    backend.create()
    data = os.urandom(100_000)
    under_limit(50_000)
    with pytest.raises(StorageFull, match=handle_of(data).name):
        backend.save(handle_of(data), [data])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    small = handle_of(b"small")
    backend.save(small, [b"small"])
    assert backend.load(small) == b"small"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="only Unix has users to become")
def test_a_denied_write_names_the_file(tmp_path: Path) -> None:
    """Run in a separate process, so that root can drop its privileges."""
    backend = LocalBackend(tmp_path / "r")
    backend.create()
    let_everybody_through(tmp_path)
    (tmp_path / "r").chmod(0o555)
    (tmp_path / "r/keys").chmod(0o555)
    program = f"""
import os, sys
from strongroom.backends import LocalBackend
from strongroom.errors import StorageDenied
from strongroom.ids import FileKind
from strongroom.testing.contract import handle_of
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    LocalBackend({str(tmp_path / "r")!r}).save(handle_of(b"x", FileKind.KEY), [b"x"])
except StorageDenied as error:
    print("denied:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=environment()
    )
    assert done.stdout.startswith("denied: Cannot write keys/"), done.stderr


def test_storage_denied_is_a_backend_error() -> None:
    assert issubclass(StorageDenied, BackendError)


def test_faults_happen_at_the_requested_operation() -> None:
    inner = MemoryBackend()
    backend = FaultyBackend(inner, Fault(at=1, after_effect=True))
    one, two, three = (handle_of(b"%d" % number) for number in (1, 2, 3))
    backend.save(one, [b"1"])
    with pytest.raises(InjectedFault):
        backend.save(two, [b"2"])
    with pytest.raises(InjectedFault):
        backend.save(three, [b"3"])
    assert set(inner.files) == {one, two}
    assert backend.operations == [f"save data/{handle.name}" for handle in (one, two, three)]


def test_local_and_memory_backends_have_times_of_storage(tmp_path: Path) -> None:
    for backend in (LocalBackend(tmp_path), MemoryBackend()):
        backend.create()
        before = time.time()
        backend.save(handle_of(b"x"), [b"x"])
        (file,) = backend.list_files(FileKind.PACK)
        assert file.modified is not None
        # The clock of a file system is coarser than ours.
        assert before - 1 < file.modified <= time.time()
        if isinstance(backend, MemoryBackend):
            assert list(backend.copy().list_files(FileKind.PACK)) == [file]
            backend.remove(handle_of(b"x"))
            assert backend.modified == {}
