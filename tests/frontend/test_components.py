"""Run the component tests of the console. They fake the server at the edge of the network."""

import json
import subprocess
from pathlib import Path

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


def test_the_components(tmp_path):
    report = tmp_path / "report.json"
    done = subprocess.run(
        ["node_modules/.bin/vitest", "run", "--reporter=default", "--reporter=json", f"--outputFile.json={report}"],
        cwd=FRONTEND,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    counted = json.loads(report.read_text())
    assert counted["numPassedTests"] == counted["numTotalTests"] >= 40
