"""Type every command that has `--dry-run`, with it, in every combination with one more option; tell what changed.

Runs as a process of its own in a home that a test has prepared. Its last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

DJANGO = {
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
    "help",
}
Typed = tuple[str, ...]


def main() -> None:
    values: dict[str, str] = json.loads(sys.argv[1])
    home = Path(os.environ["EDMS_HOME"])
    django.setup()
    label = apps.get_app_config("backup").name
    before, changed, typed, ends = _state(home), [], 0, {}
    for name, app in sorted(get_commands().items()):
        if app != label:
            continue
        command = load_command_class(app, name)
        for arguments in _typed(command, name, values):
            ends.setdefault(name, []).append(_run(name, arguments))
            typed += 1
            after = _state(home)
            if after != before:
                keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
                changed.append({"typed": [name, *arguments], "changed": keys[:5]})
                before = after
    sys.stdout.write(json.dumps({"typed": typed, "changed": changed, "ends": ends}) + "\n")


def _typed(command: BaseCommand, name: str, values: dict[str, str]) -> Iterator[Typed]:
    """List the command lines with `--dry-run`: each action alone, and with each other option that goes with it."""
    parser = command.create_parser("manage.py", name)
    options = [one for one in parser._actions if one.dest not in DJANGO | {"help", "dry_run"}]
    if all(one.dest != "dry_run" for one in parser._actions):
        return
    groups = parser._mutually_exclusive_groups
    group = next((one for one in groups if all(action.dest != "dry_run" for action in one._group_actions)), None)
    actions = [()] if group is None or not group.required else []
    if group is not None and _is_first(group, options):
        actions += [_words(one, values) for one in group._group_actions]
        options = [one for one in options if one not in group._group_actions]
    for action in actions or [()]:
        yield (*action, "--dry-run")
        yield (*action, "--dry-run", "--json")
        for option in options:
            if option.dest != "json":
                both = ("--yes",) if any(one.dest == "yes" for one in options) and option.dest != "yes" else ()
                yield (*action, "--dry-run", *both, *_words(option, values))


def _is_first(group: argparse._MutuallyExclusiveGroup, options: list[argparse.Action]) -> bool:
    """Whether it holds the actions of the command: what stands first after the options about the output."""
    output = {"json", "no_header", "utc"}
    return next(one for one in options if one.dest not in output) in group._group_actions


def _words(option: argparse.Action, values: dict[str, str]) -> Typed:
    word = option.option_strings[-1:]
    if option.nargs == 0:
        return (*word,)
    if option.choices:
        return (*word, str(next(iter(option.choices))))
    # A KeyError here asks for a value of the new option in the test.
    return (*word, values[option.dest])


def _run(name: str, arguments: Typed) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        command = load_command_class(get_commands()[name], name)
        parser = command.create_parser("manage.py", name)
        try:
            options = vars(parser.parse_args(arguments))
            command.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            return error.returncode
        except SystemExit as error:
            return int(error.code or 0)
    return 0


def _state(home: Path) -> dict[str, str]:
    """Everything below the home: rows, and files by their content. Files that exist only for a moment are left out."""
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(home):
        if Path(folder).name == "locks":
            continue
        found |= {f"{folder}/{one}/": "folder" for one in folders if one != "staging"}
        for name in names:
            path = Path(folder, name)
            if path.suffix == ".sqlite3":
                with contextlib.closing(sqlite3.connect(path)) as connection:
                    lines = "\n".join(connection.iterdump()).encode()
                found[str(path)] = hashlib.sha256(lines).hexdigest()
            elif not name.endswith(("-wal", "-shm")):
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


if __name__ == "__main__":
    main()
