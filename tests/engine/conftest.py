"""Fixtures: repositories with cheap keys, and every restic of this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic, restic_binaries

from strongroom.backends import LocalBackend
from strongroom.cli import main
from strongroom.repository import Repository

# The first example pays for imports and first pages; a deadline would measure the machine, not the code.
hypothesis.settings.register_profile("engine", deadline=None)
hypothesis.settings.load_profile("engine")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def repository(store: Path) -> Repository:
    return Repository.init(LocalBackend(store), PASSPHRASE, cost=CHEAP)


@pytest.fixture(
    params=restic_binaries() or [pytest.param("", marks=pytest.mark.skip(reason="restic is not installed"))]
)
def restic(request: pytest.FixtureRequest, store: Path) -> Restic:
    return Restic(request.param, store)


@pytest.fixture
def under_limit() -> Iterator[Callable[[int], None]]:
    """Limit the size of files that this process writes. To a single file, this looks like a full disk."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


class Answer(NamedTuple):
    stdout: bytes
    stderr: bytes


Call = Callable[..., Answer]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Run `strongroom` in this process, because a new one takes half a second."""

    def call(store: Path, *arguments: str, code: int = 0) -> Answer:
        monkeypatch.setenv("STRONGROOM_REPOSITORY", str(store))
        monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
        capfdbinary.readouterr()
        done = main(arguments)
        answer = Answer(*capfdbinary.readouterr())
        assert done == code, (arguments, answer)
        return answer

    return call
