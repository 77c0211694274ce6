"""The Dockerfile and what belongs to it, judged without building it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from tests.containers.files import ROOT, compose, ignored, image_arguments, image_environment, instructions, last_stage

BIN = Path(sys.executable).parent
SCRIPTS = ("docker/entrypoint", "docker/make-secrets", "docker/bin/strongroom")


def test_the_linter_finds_nothing():
    lint = [BIN / "hadolint", "--failure-threshold", "style", "Dockerfile"]
    done = subprocess.run(lint, check=False, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_sound(script):
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", ROOT / script], check=True)
    done = subprocess.run([BIN / "shellcheck", ROOT / script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_script_is_looked_at():
    found = [path for path in (ROOT / "docker").rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!")]
    assert sorted(str(path.relative_to(ROOT)) for path in found) == sorted(SCRIPTS)


def test_everything_copied_is_there_and_reaches_the_build():
    sources = [one.words[:-1] for one in instructions() if one.name == "COPY" and not one.text.startswith("--from")]
    paths = [path for words in sources for path in words]
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path
        assert not ignored(path), path
    # A stage copies only from stages of this file: none copies from another image.
    stages = {one.words[-1] for one in instructions() if one.name == "FROM" and " AS " in one.text}
    taken = {one.words[0] for one in instructions() if one.name == "COPY" and one.text.startswith("--from")}
    assert taken == {f"--from={stage}" for stage in stages}
    assert {one.words[0] for one in last_stage() if one.name == "COPY"} == {"--from=application"}


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "var/edms.sqlite3",
        "secrets/backup_passphrase",
        ".env",
        "tests/conftest.py",
        "requirements/dev.txt",
        "backend/demo/__main__.py",
        "backend/config/__pycache__/settings.cpython-313.pyc",
        "docker/make-secrets",
        "backend/apps/backup/static/backup/console/manifest.json",
        "frontend/node_modules/vite/package.json",
        "frontend/e2e/story.e2e.ts",
    ],
)
def test_files_left_out_of_the_build(path):
    assert ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "frontend/src/edms.tsx",
        "frontend/package-lock.json",
        "backend/manage.py",
        "backend/apps/backup/migrations/0001_backup.py",
        "docker/site/sitecustomize.py",
    ],
)
def test_files_in_the_build(path):
    assert not ignored(path)


def test_secrets_are_kept_out_of_the_repository():
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_it_runs_as_somebody_who_owns_nothing_of_it():
    users = [one.text for one in last_stage() if one.name == "USER"]
    assert users == ["10001:10001"]
    copies = [one.text for one in last_stage() if one.name == "COPY"]
    assert not any("--chown" in text or "--chmod" in text for text in copies)


def test_the_pages_are_built_from_the_lock_in_a_stage_that_is_left_behind():
    (image,) = {one.text.split("=")[1] for one in instructions() if one.text.startswith("NODE_IMAGE=")}
    assert image.startswith("node:20-")
    built = [one for one in instructions() if one.name == "RUN" and "npm" in one.text]
    assert [one.text for one in built] == ["npm ci --ignore-scripts", "npm run build"]
    assert not [one for one in last_stage() if "npm" in one.text or "node" in one.text.lower()]
    static = "backend/apps/backup/static"
    assert f"--from=console /app/{static} {static}" in [one.text for one in instructions() if one.name == "COPY"]


def test_nothing_is_compiled_in_the_image():
    commands = " ".join(one.text for one in instructions() if one.name == "RUN")
    assert "--only-binary :all:" in commands
    assert "--require-hashes" in commands
    assert not re.search(r"\b(gcc|g\+\+|build-essential|make|python3?-dev)\b", commands)
    installed = " ".join(one.text for one in last_stage() if one.name == "RUN")
    packages = [text.split()[4:] for text in re.findall(r"apt-get install[^&]*", installed)]
    assert packages == [['"postgresql-client-${POSTGRESQL_MAJOR}"']]


def test_nothing_secret_is_in_the_image():
    names = {*image_environment(), *image_arguments()}
    assert not {name for name in names if re.search("SECRET|PASSWORD|TOKEN|KEY", name)}


def test_the_client_has_the_version_of_the_server():
    file = compose()
    (server,) = re.findall(r"^postgres:(\d+)-", file["services"]["db"]["image"])
    assert image_arguments()["POSTGRESQL_MAJOR"] == server
    assert file["x-edms"]["build"]["args"]["POSTGRESQL_MAJOR"] == server
    assert f"/usr/lib/postgresql/{server}/bin" in image_environment()["PATH"].split(":")
    # Both are of the same Debian release: its own client has that version, and texts sort alike.
    (base,) = {one.text.split("=")[1] for one in instructions() if one.text.startswith("PYTHON_IMAGE=")}
    assert base.endswith("-slim-trixie")
    assert file["services"]["db"]["image"].endswith("-trixie")


def test_the_lock_has_a_hash_for_every_package_and_names_no_index():
    lock = (ROOT / "requirements/container.txt").read_text()
    pinned = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9-]+==)", lock)
    assert len(entries) == len(pinned)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in lock
    assert "index" not in lock


def test_the_lock_holds_what_the_project_asks_for_in_the_versions_that_are_tested():
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["container"]]
    for extra in ("postgresql", "celery"):
        asked += project["project"]["optional-dependencies"][extra]
    names = {re.split(r"[^A-Za-z0-9.-]", text)[0].replace(".", "-").lower() for text in asked}
    image, tested = versions("container.txt"), versions("dev.txt")
    assert names <= set(image)
    assert {name: tested.get(name) for name in image} == image


def test_the_health_check_of_the_image_is_that_of_its_default_role():
    (check,) = [one.text for one in last_stage() if one.name == "HEALTHCHECK"]
    (command,) = [one.text for one in last_stage() if one.name == "CMD"]
    assert yaml.safe_load(check.split("CMD ")[1]) == ["python", "/app/docker/healthcheck.py", "backend"]
    assert yaml.safe_load(command) == ["backend"]
