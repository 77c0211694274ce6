"""Run the browser stories in `frontend/e2e/` on a real server with a real agent."""

import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_goes_through_it():
    done = subprocess.run(
        [
            "node_modules/.bin/vitest",
            "run",
            "--config",
            "e2e/vitest.config.ts",
            "story",
            "access",
            "history",
            "parts",
            "hosts",
        ],
        cwd=FRONTEND,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
