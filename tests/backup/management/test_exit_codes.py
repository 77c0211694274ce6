"""Every command keeps the table of exit codes in docs/reference/commands.md, and has examples in its help."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from tests.backup.testing.edms import BACKEND, Edms

from apps.backup.management import exitcodes
from apps.backup.management.base import BackupCommand
from strongroom import exit_codes
from strongroom.cli.parser import build_parser

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/commands.md").read_text()
UNKNOWN = uuid.UUID(int=7)
NAMED = [
    "manage_backup_configs --next UNKNOWN",
    "manage_backup_configs --enable UNKNOWN",
    "manage_backup_configs --disable UNKNOWN",
    "manage_backup_configs --delete UNKNOWN --yes",
    "manage_backup_configs --edit UNKNOWN --time 03:00",
    "trigger_backup --config UNKNOWN",
    "trigger_backup --config UNKNOWN --dry-run",
    "backup_jobs --config UNKNOWN",
    "backup_jobs --show UNKNOWN",
    "backup_jobs --log UNKNOWN",
    "backup_jobs --cancel UNKNOWN",
    "backup_jobs --pin UNKNOWN",
    "backup_jobs --unpin UNKNOWN",
    "backup_jobs --remove UNKNOWN --yes",
    "backup_jobs --show latest",
    "backup_prune --config UNKNOWN",
    "backup_prune --config UNKNOWN --dry-run",
    "backup_health --acknowledge UNKNOWN --reason x --until 2027-03-31",
    "backup_health --withdraw UNKNOWN",
    "verify_backup UNKNOWN",
    "backup_find x --backup UNKNOWN",
    "backup_find x",
    "verify_backup latest",
    "restore_backup UNKNOWN --dry-run",
    "restore_backup latest --dry-run",
    "restore_backup --package UNKNOWN --dry-run",
    "restore_backup --rollback UNKNOWN --yes",
    "restore_backup --release UNKNOWN --yes",
    "restore_backup --open-kept UNKNOWN",
    "backup_run_job UNKNOWN",
    "backup_run_operation UNKNOWN",
]


def table() -> dict[int, str]:
    section = PAGE.split("## Exit codes")[1].split("\n## ")[0]
    return {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*?) \|", section, re.MULTILINE)}


def commands() -> dict[str, BackupCommand]:
    label = apps.get_app_config("backup").name
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app == label}


def test_the_table_has_the_codes_of_the_engine_and_no_others():
    known = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert set(table()) == known
    assert "unknown" in table()[exitcodes.FAILED]


@pytest.mark.parametrize("line", NAMED)
def test_an_unknown_name_is_the_code_of_the_table(edms: Edms, line: str):
    done = edms.run(*line.replace("UNKNOWN", str(UNKNOWN)).split(), expect=None)
    assert done.returncode == exitcodes.FAILED, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("backup_prune --all", "--all needs --dry-run"),
        ("backup_agent --jobs 0", "--jobs must be at least 1"),
        ("backup --every 5", "--every needs --watch"),
        ("backup_find x --limit 0", "--limit must be at least 1"),
        ("manage_backup_configs --list --with-backups", "--with-backups needs --delete"),
    ],
)
def test_an_option_that_can_do_nothing_is_refused(edms: Edms, line: str, said: str):
    assert said in edms.run(*line.split(), expect=exitcodes.USAGE).stderr


def test_every_option_that_takes_a_name_is_walked():
    takes = {"JOB", "NAME", "RESTORE", "BACKUP", "UUID"}
    walked = {word for line in NAMED for word in (f"{line.split()[0]} {one}" for one in line.split())}
    free = {"backup_audit --actor", "backup_audit --object", "manage_backup_configs --name"}
    beside = {"restore_backup --to-database", "restore_backup --leave-out"}
    for name, command in commands().items():
        for action in command.create_parser("manage.py", name)._actions:
            option = f"{name} {action.option_strings[-1]}" if action.option_strings else ""
            if action.metavar in takes and option and option not in free | beside:
                assert option in walked


def test_each_command_has_two_examples_that_can_be_typed():
    for name, command in commands().items():
        assert len(command.examples) == 2, name
        parser = command.create_parser("manage.py", name)
        assert "examples:\n  manage.py " in parser.format_help()
        for example in command.examples:
            first, *rest = shlex.split(example)
            assert first == name
            parser.parse_args(rest)


def test_each_command_of_the_engine_has_two_examples_that_can_be_typed():
    def leaves(parser: argparse.ArgumentParser):
        below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not below:
            yield parser
        for action in below:
            for one in action.choices.values():
                yield from leaves(one)

    found = list(leaves(build_parser()))
    assert len(found) > 20
    for parser in found:
        examples = re.findall(r"^  (strongroom .*)$", (parser.epilog or "").partition("examples:")[2], re.MULTILINE)
        assert len(examples) == 2, parser.prog
        for example in examples:
            assert example.startswith(parser.prog)
            build_parser().parse_args(shlex.split(example)[1:])


@pytest.mark.parametrize("line", ["backup", "backup_jobs --json"])
def test_a_reader_that_has_gone_ends_a_command_quietly(edms: Edms, line: str):
    command = f"{{ sleep 0.2; exec {sys.executable} {BACKEND}/manage.py {line}; }} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], check=False, capture_output=True, text=True, env=edms._environment({})
    )
    assert (done.returncode, done.stderr.replace("No jobs found.\n", "")) == (141, "")
