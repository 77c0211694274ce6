"""The container files as the engine reads them: instructions, the image's environment, the compose file."""

import dataclasses
import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("db", "redis", "backend", "celery_worker", "celery_beat")
OURS = ("backend", "celery_worker", "celery_beat")


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile; `stage` counts from 0, -1 is before the first FROM."""

    stage: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def instructions() -> list[Instruction]:
    """The Dockerfile without comments, lines that go on joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, _, text = line.strip().partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, text.strip()))
    return found


def last_stage() -> list[Instruction]:
    """The instructions that make the image itself."""
    everything = instructions()
    return [one for one in everything if one.stage == everything[-1].stage]


def image_arguments() -> dict[str, str]:
    """The build arguments of the last stage with their defaults."""
    return dict(one.text.split("=", 1) for one in last_stage() if one.name == "ARG")


def image_environment() -> dict[str, str]:
    """Return the environment of a container of the image, without the compose file."""
    environment: dict[str, str] = {}
    for one in last_stage():
        if one.name == "ENV":
            for word in one.words:
                name, value = word.split("=", 1)
                environment[name] = re.sub(r"\$\{(\w+)\}", lambda match: image_arguments()[match[1]], value)
    return environment


def compose(**variables: str) -> dict:
    """The compose file, with these variables of the shell that starts it and the defaults of all others."""

    def value(match: re.Match[str]) -> str:
        return variables.get(match[1]) or match[2]

    return yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", value, (ROOT / "docker-compose.yml").read_text()))


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path below the root out of the build: the last line that matches decides."""
    outcome = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        excluded = not pattern.startswith("!")
        # A folder that matches stands for everything in it.
        if re.fullmatch(_translate(pattern.removeprefix("!")) + "(/.*)?", path):
            outcome = excluded
    return outcome


def _translate(pattern: str) -> str:
    wild = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(wild.get(piece, re.escape(piece)) for piece in pieces)
