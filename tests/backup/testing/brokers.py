"""Real message brokers: private processes on free ports of loopback, which end with the tests, however those end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# The shell waits for the server and, at the same time, for the end of its own input, which comes when we do.
_WATCHED = 'exec 3<&0; "$@" 3<&- & server=$!; { cat <&3 >/dev/null; kill -KILL $server; } 2>/dev/null & wait $server'
_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def rabbitmq_program() -> str | None:
    """Return the script that starts the server as the current user: Debian's script in PATH changes the user."""
    behind = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return str(behind) if behind.is_file() else shutil.which("rabbitmq-server")


class Server:
    """A server that can be killed and started again, where it was and with what it had."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, port: int, log: Path) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._log = log
        self.port = port
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHED, "sh", *self._command],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def wait(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while not self.answers():
            assert self._process is not None
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, (
                f"Waited {_SECONDS} seconds for the broker on port {self.port}; its log:\n"
                f"{self._log.read_text(errors='replace')[-3000:]}"
            )
            time.sleep(0.05)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdin is not None
            process.stdin.close()

    def forget_everything(self) -> None:
        """For Redis: every message is lost."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(100) == b"+OK\r\n"

    def restart(self) -> None:
        self.start()
        self.wait()


@contextlib.contextmanager
def private_redis(folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True)
    port = free_port()
    program = redis_program()
    assert program is not None
    # Each message is on the disk before it is taken: a restart loses none of them.
    kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), *kept]
    server = Server(command, {"PATH": os.environ["PATH"]}, port=port, log=folder / "log")
    server.url = f"redis://127.0.0.1:{port}/0"
    yield from _running(server)


@contextlib.contextmanager
def private_rabbitmq(folder: Path) -> Iterator[Server]:
    """A node of its own: with its own names, ports, cookie and port mapper."""
    home = folder / "home"
    home.mkdir(parents=True)
    cookie = home / ".erlang.cookie"
    cookie.write_text(os.urandom(16).hex())
    cookie.chmod(0o400)
    port, mapper_port = free_port(), free_port()
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\ndisk_free_limit.absolute = 10MB\n")
    (folder / "plugins").write_text("[].\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ERL_EPMD_PORT": str(mapper_port),
        "RABBITMQ_NODENAME": f"edms-{mapper_port}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false",
    }
    program = rabbitmq_program()
    assert program is not None
    mapper = ["epmd", "-address", "127.0.0.1", "-port", str(mapper_port)]
    with contextlib.contextmanager(_running)(Server(mapper, environment, port=mapper_port, log=folder / "epmd.log")):
        server = Server([program], environment, port=port, log=folder / "log")
        server.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        yield from _running(server)


def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.kill()
