"""The files that a contributor opens first: each command, path and link in them exists."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.docs.test_commands import lines

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".github/pull_request_template.md")]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[bf]*.yml"))
# Commands of programs that the project does not bring.
FOREIGN = {"pre-commit", "npx", "strongroom"}


def commands() -> list[tuple[str, ...]]:
    """Return every command of CONTRIBUTING.md that starts with a program, split at `&&`."""
    found = []
    for line in lines(ROOT / "CONTRIBUTING.md"):
        for part in line.split("&&"):
            words = tuple(shlex.split(part, comments=True))
            if words and (words[0] in {"make", "cd", *FOREIGN} or ((ROOT / words[0]).is_file() and len(words) > 1)):
                found.append(words)
    return found


def targets() -> set[str]:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^make (\S+) ", printed, re.MULTILINE))


def test_make_help_names_every_target():
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert targets() == set(phony[1].split())


def test_each_command_of_the_page_exists():
    known = targets()
    found = commands()
    assert len(found) > 8
    for words in found:
        if words[0] == "make" and len(words) > 1:
            assert words[1] in known, words
        for word in words[1:]:
            for path in re.findall(r"(?:tests|tools|frontend|backend)(?:/[\w.]+)*", word):
                assert (ROOT / path).exists(), words


def test_the_example_of_one_test_selects_some():
    (example,) = [words for words in commands() if words[0].endswith("pytest") and "-k" in words]
    done = subprocess.run([*example, "--collect-only", "-q"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "deselected" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_path_and_link_of_a_page_exists(page: Path):
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:backend|docs|tests|tools|frontend)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    # Modules of the backup app are named below its folder.
    for path in re.findall(r"`((?!backend/|docs/|tests/|tools/|frontend/)\w+/[\w/]*\.py)`", text):
        assert (ROOT / "backend/apps/backup" / path).exists(), path


def test_a_commit_runs_the_checks_of_make_check_without_a_network():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["language"], hook["entry"]) == ("local", "system", "tools/check")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_asks_questions(form: Path):
    body = yaml.safe_load(form.read_text())["body"]
    asked = [element for element in body if element["type"] != "markdown"]
    assert len({element["id"] for element in asked}) == len(asked) >= 3
    assert all(element["attributes"]["label"] for element in asked)
