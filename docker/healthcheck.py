"""Whether a container does its work: `python healthcheck.py ROLE`, exit code 0 or 1 and one line that says why.

A process that runs proves little: a web server may be stuck, a worker may have lost its broker, and Beat may run for
weeks without sending anything.
"""

import http.client
import os
import socket
import sys
from datetime import timedelta

import django
from django.apps import apps
from django.utils import timezone

from config import celery_app

ADDRESS = os.environ.get("EDMS_BIND", "0.0.0.0:8000")
HEARTBEAT = "edms-heartbeat"
# Three heartbeats: one that is late is no failure.
SILENCE = timedelta(minutes=3)
SECONDS = 10


def backend() -> str:
    """The log-in page comes: the server answers, and Django, its templates and its settings are in order."""
    port = int(ADDRESS.rsplit(":", 1)[1])
    # A name that Django answers to, whatever the administrator has restricted it to.
    name = os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    host = name if name and name != "*" else "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("GET", "/admin/login/", headers={"Host": host})
    status = connection.getresponse().status
    if status != http.HTTPStatus.OK:
        raise RuntimeError(f"the log-in page answers {status}")
    return "the log-in page answers"


def celery_worker() -> str:
    """The worker of this very container answers through the broker, also while a long job runs."""
    name = f"celery@{socket.gethostname()}"
    if not celery_app.control.inspect(destination=[name], timeout=SECONDS, limit=1).ping():
        raise RuntimeError(f"the worker {name} does not answer within {SECONDS} seconds")
    return f"the worker {name} answers"


def celery_beat() -> str:
    """Beat has sent its heartbeat within the last minutes, and the broker takes messages.

    The time of the last sending stands in the table of schedules that Beat reads: it is written after Beat has read
    that table, found an entry due and handed it to the broker. A Beat that hangs, has lost the database, or keeps its
    schedules elsewhere leaves it old. Beat writes it also when the broker refuses, so that is asked besides.
    """
    django.setup()
    rows = apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=HEARTBEAT, enabled=True)
    sent = rows.values_list("last_run_at", flat=True).first()
    if sent is None:
        raise RuntimeError(f"Beat has not yet sent {HEARTBEAT}")
    age = timezone.now() - sent
    if age > SILENCE:
        raise RuntimeError(f"Beat sent {HEARTBEAT} last {age.total_seconds():.0f} seconds ago")
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=SECONDS)
    return f"Beat sent {HEARTBEAT} {age.total_seconds():.0f} seconds ago"


ROLES = {check.__name__: check for check in (backend, celery_worker, celery_beat)}


def main(role: str) -> int:
    """Run the check of one role."""
    try:
        said = ROLES[role]()
    # Whatever the reason is, the container is not healthy, and the engine keeps this line.
    except Exception as error:  # noqa: BLE001
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
