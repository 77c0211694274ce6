"""Rules of the code that no linter checks."""

import re
from pathlib import Path

import pytest

from strongroom.backends import open_backend
from strongroom.backends.local import LocalBackend
from strongroom.errors import BackendError, UnsupportedAddress

BACKEND = Path(__file__).resolve().parents[2] / "backend"
_OWNERS = ("strongroom/backends/", "strongroom/testing/")


def test_only_the_backends_package_names_a_backend_class() -> None:
    sources = {str(path.relative_to(BACKEND)): path.read_text() for path in BACKEND.rglob("*.py")}
    owned = "".join(text for name, text in sources.items() if name.startswith(_OWNERS))
    classes = re.findall(r"class (\w+Backend)\b", owned)
    assert {"LocalBackend", "MemoryBackend", "FaultyBackend"} <= set(classes)
    pattern = re.compile(rf"\b({'|'.join(classes)})\b")
    assert [name for name, text in sources.items() if not name.startswith(_OWNERS) and pattern.search(text)] == []


def test_open_backend_takes_folders(tmp_path: Path) -> None:
    for address in (tmp_path, str(tmp_path), f"{tmp_path}/a:b", "a:b"):
        opened = open_backend(address)
        assert isinstance(opened, LocalBackend)
        assert opened.location == str(Path(address))


@pytest.mark.parametrize("address", ["s3:bucket/x", "s3://bucket/x", "sftp:user@host:/x", "file:///srv/x"])
def test_open_backend_refuses_other_schemes(address: str) -> None:
    with pytest.raises(UnsupportedAddress, match=f"{address}: the scheme .* only folders") as refused:
        open_backend(address)
    assert isinstance(refused.value, BackendError)
    assert not refused.value.retryable
