"""The MariaDB server of the tests ends with the process that started it, and leaves nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.backup.testing.mariadb import server_program

PROGRAM = """
import time
from tests.backup.testing.mariadb import private_mariadb
with private_mariadb() as server:
    print(server.folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.mariadb
def test_a_kill_of_its_user_ends_the_server_and_removes_its_data():
    if server_program() is None:
        pytest.skip("mariadb is not installed")
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        data = Path(process.stdout.readline().strip())
        server = int((data / "pid").read_text())
        process.kill()
    deadline = time.monotonic() + 30
    while data.exists() or Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)
