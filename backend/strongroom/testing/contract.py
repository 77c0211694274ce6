"""The contract of `strongroom.backends.base` as tests. A new backend adds a fixture named `backend`, but no tests.

class TestMine(BackendContract):
@pytest.fixture
def backend(self): ...
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator

from strongroom.backends.base import CONFIG, Backend, FileHandle
from strongroom.errors import BackendError, FileExists, FileMissing
from strongroom.ids import FileKind
from strongroom.streams import Buffer


def handle_of(data: bytes, kind: FileKind = FileKind.PACK) -> FileHandle:
    """Return the handle under which these bytes are stored."""
    return FileHandle(kind, hashlib.sha256(data).hexdigest())


@contextlib.contextmanager
def refused(kind: type[BackendError]) -> Iterator[list[str]]:
    """Assert that the block raises exactly `kind`. Give a list that then holds its text."""
    text: list[str] = []
    raised: BackendError | None = None
    try:
        yield text
    except BackendError as error:
        raised = error
    assert type(raised) is kind, f"{raised!r} instead of {kind.__name__}"
    text.append(str(raised))


class BackendContract:
    """The tests that every backend must pass."""

    def test_a_saved_file_loads_whole_and_in_ranges(self, backend: Backend) -> None:
        backend.create()
        parts: list[Buffer] = [b"one", b"", bytearray(b"two"), memoryview(b"three")]
        data = b"onetwothree"
        for kind in FileKind:
            handle = CONFIG if kind is FileKind.CONFIG else handle_of(data, kind)
            backend.save(handle, parts)
            assert backend.load(handle) == data
            assert backend.size(handle) == len(data)
            assert backend.load_range(handle, 3, 3) == b"two"
            assert backend.load_range(handle, 0, len(data)) == data

    def test_a_range_beyond_the_end_is_refused(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"12345")
        backend.save(handle, [b"12345"])
        with refused(BackendError) as text:
            backend.load_range(handle, 3, 3)
        assert handle.name in text[0]

    def test_save_never_overwrites(self, backend: Backend) -> None:
        backend.create()
        for handle in (CONFIG, handle_of(b"first")):
            backend.save(handle, [b"first"])
            with refused(FileExists):
                backend.save(handle, [b"second"])
            assert backend.load(handle) == b"first"

    def test_operations_on_a_missing_file_raise_file_missing(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"never")
        for ask in (backend.load, backend.size, backend.remove, lambda h: backend.load_range(h, 0, 1)):
            with refused(FileMissing) as text:
                ask(handle)
            assert handle.name in text[0]

    def test_a_storage_that_was_never_created_lists_no_files(self, backend: Backend) -> None:
        assert [file for kind in FileKind for file in backend.list_files(kind)] == []

    def test_list_files_yields_every_file_once_with_its_size(self, backend: Backend) -> None:
        backend.create()
        contents = [b"x" * size for size in range(1, 300)]
        for data in contents:
            backend.save(handle_of(data), [data])
        backend.save(handle_of(b"other", FileKind.INDEX), [b"other"])
        listed = sorted((file.name, file.size) for file in backend.list_files(FileKind.PACK))
        assert listed == sorted((handle_of(data).name, len(data)) for data in contents)

    def test_a_listed_file_has_its_time_of_storage_or_none(self, backend: Backend) -> None:
        backend.create()
        before = time.time()
        backend.save(handle_of(b"dated"), [b"dated"])
        after = time.time()
        for file in backend.list_files(FileKind.PACK):
            # The storage has its own clock, maybe in whole seconds; a difference of a day is an error.
            assert file.modified is None or before - 86400 < file.modified < after + 86400

    def test_a_removed_file_is_missing_and_can_be_stored_again(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"again", FileKind.SNAPSHOT)
        backend.save(handle, [b"again"])
        backend.remove(handle)
        assert list(backend.list_files(FileKind.SNAPSHOT)) == []
        backend.save(handle, [b"again"])
        assert backend.load(handle) == b"again"

    def test_create_keeps_existing_files(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"kept")
        backend.save(handle, [b"kept"])
        backend.create()
        assert backend.load(handle) == b"kept"

    def test_many_threads_save_the_same_names_at_once(self, backend: Backend) -> None:
        backend.create()
        outcomes: list[str] = []

        def save_all() -> None:
            for number in range(20):
                try:
                    backend.save(handle_of(b"%d" % number), [b"%d" % number])
                    outcomes.append("saved")
                except FileExists:
                    outcomes.append("exists")

        threads = [threading.Thread(target=save_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Names are hashes, so two threads with the same bytes may both succeed.
        assert len(outcomes) == 80
        assert outcomes.count("saved") >= 20
        assert len(list(backend.list_files(FileKind.PACK))) == 20
