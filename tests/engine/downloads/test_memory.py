"""The memory of a download does not grow with its size, measured in separate processes."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import os, resource, sys
from tests.engine.testing.trees import MANIFEST, snapshot_of
from strongroom.downloads import FolderDownload, PackageDownload

blob = os.urandom(1 << 20)
view = snapshot_of({b"files": {b"large": [blob] * int(sys.argv[2])}, b"manifest.json": MANIFEST})
download = FolderDownload(view, view.find(b"files")) if sys.argv[1] == "folder" else PackageDownload(view)
for piece in download.read(0, 20 << 20):
    pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
given = sum(len(piece) for piece in download.read(0, download.length))
assert given == download.length > int(sys.argv[2]) << 20
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("kind", "megabytes"), [("folder", 4096), ("package", 384)])
def test_memory_does_not_grow_with_the_download(kind, megabytes):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, str(megabytes)],
        check=False,
        env={"PYTHONPATH": f"{ROOT / 'backend'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 << 10  # KB
