"""The commands, options and choices that the documentation names exist."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from strongroom.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_MANAGE = re.compile(r"(?:^|\s)(?:manage|(?:\S*python )?(?:backend/)?manage\.py)\s+([a-z_]+)(.*)$")
_ENGINE = re.compile(r"^(?:\.venv/bin/)?strongroom\s+([a-z].*)$")


def lines(page: Path) -> Iterator[str]:
    """Everything in code: the lines of blocks, and what stands between backticks."""
    text = page.read_text()
    for block in re.findall(r"```(?:bash|sh|cron)?\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def typed(pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    found = []
    for page in PAGES:
        for line in lines(page):
            match = pattern.search(line)
            if match:
                found.append((page.name, *match.groups()))
    return found


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def words_of(rest: str) -> list[str]:
    bare = rest.split("|")[0].split(";")[0].split("&")[0]
    return [word.strip("[]…,") for word in shlex.split(bare.replace("…", " "), comments=True)]


@pytest.mark.parametrize(("page", "name", "rest"), typed(_MANAGE))
def test_a_management_command_and_its_options_exist(page, name, rest):
    known = get_commands()
    assert name in known, f"{page} names the command {name}"
    app = known[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    parser: CommandParser = command.create_parser("manage.py", name)
    unknown = {word.split("=")[0] for word in words_of(rest) if word.startswith("--")} - options_of(parser)
    assert not unknown, f"{page}: {name} has no {unknown}"


@pytest.mark.parametrize(("page", "rest"), typed(_ENGINE))
def test_a_command_of_the_engine_and_its_options_exist(page, rest):
    parser = build_parser()
    words = words_of(rest)
    while words and (verbs := next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)):
        verb = words.pop(0)
        assert verb in verbs.choices, f"{page} names `strongroom {rest}`"
        parser = verbs.choices[verb]
    unknown = {word.split("=")[0] for word in words if word.startswith("--")} - options_of(parser)
    assert not unknown, f"{page}: strongroom {rest} has no {unknown}"


def test_the_pages_name_many_commands():
    assert len(typed(_MANAGE)) > 30
    assert len(typed(_ENGINE)) > 5
    assert {name for _page, name, _rest in typed(_MANAGE)} >= {
        "backup_health",
        "backup_jobs",
        "backup_agent",
        "backup_run_due",
        "manage_backup_configs",
        "restore_backup",
        "trigger_backup",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
