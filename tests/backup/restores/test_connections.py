"""A server process that keeps its connections reads the restored database from its next request on."""

from __future__ import annotations

import subprocess
import sys

from tests.backup.testing.edms import BACKEND

# A thread of a web server, reduced to what it does with its connections: for each line, one request.
SERVER = """
import sys
from django.core.signals import request_finished, request_started
from django.db import connections
from hostproject.models import Everything
connections["default"].settings_dict.update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
for line in sys.stdin:
    request_started.send(sender=None)
    print(Everything.objects.count(), flush=True)
    request_finished.send(sender=None)
"""


def test_kept_connections_are_made_anew_after_a_restore(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    host.run("shell", "-c", "from hostproject.models import *; Everything.objects.filter(pk__lt=20).delete()")
    with subprocess.Popen(
        [sys.executable, str(BACKEND / "manage.py"), "shell", "-v0", "-c", SERVER],
        env=host._environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask() -> int:
            server.stdin.write("\n")
            server.stdin.flush()
            return int(server.stdout.readline().split()[-1])

        before = ask()
        restored = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")["restore"]
        after = ask()
        host.run("restore_backup", "--rollback", restored, "--yes", "--no-safety-backup")
        rolled_back = ask()
        server.stdin.close()
    assert (before, after, rolled_back) == (41, 60, 41)
