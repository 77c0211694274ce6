"""Create shell completion scripts from the parsers of the commands."""

from __future__ import annotations

import argparse
import pkgutil

import shtab
from django.core.management import load_command_class
from django.core.management.base import CommandParser

from . import commands

SHELLS = ("bash", "zsh")
_PROG = "manage.py"
_CONFIGURATION = {"bash": "_edms_backup_configurations", "zsh": "_edms_backup_configurations"}
_DYNAMIC = frozenset({"--config", "--enable", "--disable", "--delete", "--edit", "--next"})

_BASH = """
# Ask the project for the names of its configurations. Users choose these names, and `compgen -W` would run commands
# inside a name.
_edms_backup_configurations() {
  local name
  while IFS= read -r name; do
    [[ $name != "$1"* ]] || printf '%s\\n' "$name"
  done < <(${EDMS_MANAGE:-python manage.py} manage_backup_configs --list 2>/dev/null | cut -f1)
}
# `python manage.py …` completes like `manage.py …`.
_edms_backup_python() {
  if [[ "${COMP_WORDS[1]}" == *manage.py && $COMP_CWORD -gt 1 ]]; then
    COMP_WORDS=("${COMP_WORDS[@]:1}")
    COMP_CWORD=$((COMP_CWORD - 1))
    _shtab_manage_py
  else
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -o filenames -F _edms_backup_python python python3
"""
_ZSH = """
_edms_backup_configurations() {
  compadd -- ${(f)"$(${=EDMS_MANAGE:-python manage.py} manage_backup_configs --list 2>/dev/null | cut -f1)"}
}
"""


def script(shell: str) -> str:
    """Return the completion script for a shell, one of `SHELLS`."""
    if shell == "bash":
        return shtab.complete(_parser(), shell) + _BASH
    # The script of zsh ends by running itself, so the function must stand before it.
    head, line, rest = shtab.complete(_parser(), shell).partition("\n")
    return head + line + _ZSH + rest


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROG)
    verbs = parser.add_subparsers()
    package = commands.__name__.removesuffix(".management.commands")
    for module in pkgutil.iter_modules(commands.__path__):
        command = load_command_class(package, module.name)
        made = CommandParser(prog=f"{_PROG} {module.name}", add_help=False)
        command.add_arguments(made)
        verb = verbs.add_parser(module.name, help=command.help, parents=[made])
        for action in verb._actions:
            if _DYNAMIC & set(action.option_strings):
                action.complete = _CONFIGURATION  # type: ignore[attr-defined]
            elif {"--output", "--to-folder"} & set(action.option_strings):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser
