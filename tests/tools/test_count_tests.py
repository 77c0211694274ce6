"""`make test` ends with the numbers, and does not let a test be skipped without need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = Path(__file__).resolve().parents[2] / "tools" / "count_tests.py"

TESTS = """
import pytest

def test_good():
    pass

@pytest.mark.skip(reason="restic is not installed")
def test_skipped():
    pass
"""


def count(folder, tests, missing):
    (folder / "test_it.py").write_text(tests)
    (folder / "missing").write_text(missing)
    pytest_words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    subprocess.run(
        [sys.executable, *pytest_words, "--rootdir", folder, "--junitxml", folder / "tests.xml", folder],
        check=False,
        capture_output=True,
        # None of the project's plugins: they take longer to load than all of this.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    done = subprocess.run(
        [sys.executable, COUNT, folder / "tests.xml", folder / "missing"], check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("tests", "missing", "code", "last"),
    [
        (TESTS, "restic\n", 0, "1 passed, 0 failed, 1 skipped"),
        (TESTS, "postgresql\n", 1, "1 passed, 0 failed, 1 skipped"),
        (TESTS + "\ndef test_bad():\n    assert False\n", "restic\n", 1, "1 passed, 1 failed, 1 skipped"),
        ("import nothing_of_that_name", "", 1, "0 passed, 1 failed, 0 skipped"),
        ("", "", 1, "0 passed, 0 failed, 0 skipped"),
    ],
)
def test_the_numbers(tmp_path, tests, missing, code, last):
    returned, lines = count(tmp_path, tests, missing)
    assert (returned, lines[-1]) == (code, last)


def test_a_skip_without_need_is_named(tmp_path):
    _, lines = count(tmp_path, TESTS, "")
    assert lines[0].startswith("SKIPPED WITHOUT A MISSING TOOL")
    assert lines[0].endswith("test_skipped: restic is not installed")
