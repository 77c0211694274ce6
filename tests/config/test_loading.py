"""The entry points for servers load everything before the first request."""

import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import gc
import importlib
import sys
importlib.import_module(sys.argv[1])
from django.urls import get_resolver
print("url_patterns" in vars(get_resolver()), gc.get_freeze_count() > 50_000)
"""


@pytest.mark.parametrize("door", ["config.asgi", "config.wsgi"])
def test_everything_is_loaded_and_left_alone_by_the_garbage_collector(door, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOOK, door],
        cwd=Path(__file__).resolve().parents[2] / "backend",
        env={"PATH": "/usr/bin:/bin", "EDMS_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["True", "True"]
