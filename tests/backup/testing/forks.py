"""Commands in real processes, forked from one that has loaded what asks for no settings.

Loading Django, Celery and rich takes most of the time of a short command. A process that has loaded them, and those of
our own modules that can be loaded without settings, is started once; a command gets a fork of it with an environment,
arguments and descriptors of its own. From there on it does what a fresh `python manage.py` does: reads its settings,
loads the applications, runs, and ends as the interpreter ends, with the exit code of the real program.

A fresh process differs in its command line and its hash seed; and the test can kill it. `Edms.start` is for that.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

BACKEND = Path(__file__).resolve().parents[3] / "backend"
_MESSAGE_BYTES = 1 << 17
# Foreign modules of the commands that need no settings. The command itself loads a module that is not listed here.
_LIBRARIES = [
    "django.contrib.admin.options",
    "django.contrib.staticfiles.finders",
    "django.core.management.commands.migrate",
    "django.core.management.commands.shell",
    "django.core.serializers.json",
    "django.core.serializers.python",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.template.loader_tags",
    "django.urls",
    "celery.app.amqp",
    "celery.app.base",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.task",
    "celery.schedules",
    "kombu.transport.pyamqp",
    "psycopg",
    "redis",
    "rich.console",
    "rich.progress",
    "rich.table",
    "celery.fixups.django",
    "celery.loaders.app",
    "celery.worker.worker",
    "cron_descriptor",
    "crontab",
    "dj_database_url",
    "django.contrib.auth.hashers",
    "django.template.defaulttags",
    "django.templatetags.i18n",
    "django.views.debug",
]


class Forks:
    """The client's side: the process that forks, and the socket on which it is asked to.

    Ours are `packages` in the folder `root`: the source, or what a wheel has put into an environment of `python`.
    """

    def __init__(self, python: Path = Path(sys.executable), root: Path = BACKEND, *packages: str) -> None:
        variables = {"PYTHONPATH": str(root)} if root == BACKEND else {}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._control, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MESSAGE_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [python, __file__, str(theirs.fileno()), root, *(packages or ("strongroom", "edms_common", "apps"))],
                env={"PATH": os.environ["PATH"], **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.end)

    def end(self) -> None:
        """Let the process go; the commands that it has forked go on."""
        atexit.unregister(self.end)
        self._control.close()
        self._process.wait(30)

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        seconds: float,
        program: Path = BACKEND / "manage.py",
    ) -> subprocess.CompletedProcess[str]:
        """`python PROGRAM ARGUMENTS` with exactly this environment. Raises `TimeoutError`, and kills it then."""
        told = {"arguments": arguments, "environment": environment, "folder": os.getcwd(), "program": str(program)}
        request = json.dumps(told).encode()
        assert len(request) < _MESSAGE_BYTES
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            with theirs:
                socket.send_fds(self._control, [request], [theirs.fileno(), out.fileno(), err.fileno()])
            ours.settimeout(seconds)
            with ours.makefile() as answers:
                pid = int(answers.readline())
                try:
                    code = int(answers.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@functools.cache
def _forks() -> Forks:
    return Forks()


def run_forked(
    arguments: Sequence[str], environment: Mapping[str, str], *, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """`python manage.py ARGUMENTS` with exactly this environment. Raises `TimeoutError`, and kills it then."""
    return _forks().run(arguments, environment, seconds=seconds)


class _Server:
    """The other side: forks when it is asked to, and tells how each fork ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: dict[int, socket.socket] = {}

    def next_request(self) -> tuple[dict, list[int]] | None:
        """Return the request in the process of a command; in this one return None when no client is left."""
        told, tell = os.pipe()
        os.set_blocking(tell, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(tell)
        while True:
            ready, _, _ = select.select([self._control, told], [], [])
            if told in ready:
                os.read(told, 4096)
                self._report()
            if self._control not in ready:
                continue
            message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 3)
            if not message:
                return None
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (told, tell, descriptors[0]):
                    os.close(descriptor)
                for reply in (self._control, *self._running.values()):
                    reply.close()
                return json.loads(message), descriptors[1:]
            reply = self._running[pid] = socket.socket(fileno=descriptors[0])
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            reply.sendall(b"%d\n" % pid)

    def _report(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                with self._running.pop(pid) as reply, contextlib.suppress(BrokenPipeError):
                    reply.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(request: dict, descriptors: Sequence[int]) -> None:
    """The process that `python manage.py` starts."""
    for descriptor, number in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    program = Path(request["program"])
    named = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    ours = {str(Path(__file__).parent), str(BACKEND)}
    sys.path[:] = [str(program.parent), *named, *(path for path in sys.path if path not in ours)]
    sys.argv[:] = [str(program), *request["arguments"]]
    runpy.run_path(str(program), run_name="__main__")


def _load_ours(root: Path, packages: Sequence[str]) -> None:
    """Load our modules. Django refuses those that need settings while they are loaded; the commands load them."""
    for path in sorted(path for package in packages for path in root.glob(f"{package}/**/*.py")):
        if "migrations" in path.parts or path.name == "__main__.py":
            continue
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        # A package that was refused is asked for again by its own modules, which is a circle then.
        with contextlib.suppress(ImproperlyConfigured, AppRegistryNotReady, ImportError):
            importlib.import_module(name)


def main() -> None:
    server = _Server(socket.socket(fileno=int(sys.argv[1])))
    for name in _LIBRARIES:
        importlib.import_module(name)
    _load_ours(Path(sys.argv[2]), sys.argv[3:])
    # django-celery-beat offers each of them in its models; kept here, they are read once.
    zones = [zoneinfo.ZoneInfo(name) for name in zoneinfo.available_timezones()]
    # Nothing of this is looked at by the collectors of the forks, which so leave its memory shared.
    gc.collect()
    gc.freeze()
    request = server.next_request()
    if request:
        _become(*request)
    del zones


if __name__ == "__main__":
    main()
