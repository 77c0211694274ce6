"""The contract of `strongroom.backends.base` as tests: a new backend adds a fixture named `backend`, no tests.

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
    """The handle under which these bytes are stored."""
    return FileHandle(kind, hashlib.sha256(data).hexdigest())


@contextlib.contextmanager
def refused(kind: type[BackendError]) -> Iterator[list[str]]:
    """Asserts that the block raises `kind` and nothing else; gives its text."""
    text: list[str] = []
    raised: BackendError | None = None
    try:
        yield text
    except BackendError as error:
        raised = error
    assert type(raised) is kind, f"{raised!r} instead of {kind.__name__}"
    text.append(str(raised))


class BackendContract:
    """What every backend must do."""

    def test_a_file_comes_back_whole_and_in_ranges(self, backend: Backend) -> None:
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

    def test_nothing_is_overwritten(self, backend: Backend) -> None:
        backend.create()
        for handle in (CONFIG, handle_of(b"first")):
            backend.save(handle, [b"first"])
            with refused(FileExists):
                backend.save(handle, [b"second"])
            assert backend.load(handle) == b"first"

    def test_what_is_missing_is_missing(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"never")
        for ask in (backend.load, backend.size, backend.remove, lambda h: backend.load_range(h, 0, 1)):
            with refused(FileMissing) as text:
                ask(handle)
            assert handle.name in text[0]

    def test_a_place_that_was_never_made_is_empty(self, backend: Backend) -> None:
        assert [file for kind in FileKind for file in backend.list_files(kind)] == []

    def test_listing_gives_every_file_once_with_its_size(self, backend: Backend) -> None:
        backend.create()
        contents = [b"x" * size for size in range(1, 300)]
        for data in contents:
            backend.save(handle_of(data), [data])
        backend.save(handle_of(b"other", FileKind.INDEX), [b"other"])
        listed = sorted((file.name, file.size) for file in backend.list_files(FileKind.PACK))
        assert listed == sorted((handle_of(data).name, len(data)) for data in contents)

    def test_a_listed_file_tells_when_it_was_stored_or_nothing(self, backend: Backend) -> None:
        backend.create()
        before = time.time()
        backend.save(handle_of(b"dated"), [b"dated"])
        after = time.time()
        for file in backend.list_files(FileKind.PACK):
            # The place has a clock of its own, and some count whole seconds; a day apart would be another time.
            assert file.modified is None or before - 86400 < file.modified < after + 86400

    def test_removed_is_gone_and_can_be_stored_again(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"again", FileKind.SNAPSHOT)
        backend.save(handle, [b"again"])
        backend.remove(handle)
        assert list(backend.list_files(FileKind.SNAPSHOT)) == []
        backend.save(handle, [b"again"])
        assert backend.load(handle) == b"again"

    def test_creating_twice_keeps_what_is_there(self, backend: Backend) -> None:
        backend.create()
        handle = handle_of(b"kept")
        backend.save(handle, [b"kept"])
        backend.create()
        assert backend.load(handle) == b"kept"

    def test_many_threads_store_at_once_and_one_wins_each_name(self, backend: Backend) -> None:
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
        # Names are hashes, so that it does no harm when two with the same bytes both believe they were first.
        assert len(outcomes) == 80
        assert outcomes.count("saved") >= 20
        assert len(list(backend.list_files(FileKind.PACK))) == 20
