"""Create shell completion scripts from the parsers of the commands."""

from __future__ import annotations

import argparse
import pkgutil

import shtab
from django.core.management import load_command_class
from django.core.management.base import CommandParser

from . import commands

SHELLS = ("bash", "zsh", "fish")
_PROG = "manage.py"
_CONFIGURATION = {
    "bash": "_edms_backup_configurations",
    "zsh": "_edms_backup_configurations",
    "fish": "(_edms_backup_configurations)",
}
_DYNAMIC = frozenset({"--config", "--enable", "--disable", "--delete", "--edit", "--next"})

_BASH = """
# Ask the project for the names of its configurations. Users choose these names, and `compgen -W` would run commands
# inside a name.
_edms_backup_configurations() {
  local name
  while IFS= read -r name; do
    [[ $name != "$1"* ]] || printf '%s\\n' "$name"
  done < <(${EDMS_MANAGE:-python manage.py} manage_backup_configs --list --no-header 2>/dev/null | cut -f1)
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
  compadd -- ${(f)"$(${=EDMS_MANAGE:-python manage.py} manage_backup_configs --list --no-header 2>/dev/null | cut -f1)"}
}
"""
_FISH = """
function _edms_backup_configurations
  set -l manage python manage.py
  set -q EDMS_MANAGE; and set manage (string split ' ' -- $EDMS_MANAGE)
  $manage manage_backup_configs --list --no-header 2>/dev/null | cut -f1
end
# `python manage.py …` completes like `manage.py …`.
function _edms_backup_is_python
  set -l tokens (commandline -opc)
  test (count $tokens) -ge 2; and string match -q -- '*manage.py' $tokens[2]
end
function _edms_backup_python
  set -l tokens (commandline -opc)
  complete -C "manage.py "(string join ' ' -- (string escape -- $tokens[3..-1]))" "(commandline -ct)
end
complete -c python -n _edms_backup_is_python -f -a '(_edms_backup_python)'
complete -c python3 -n _edms_backup_is_python -f -a '(_edms_backup_python)'
"""


def script(shell: str) -> str:
    """Return the completion script for a shell, one of `SHELLS`."""
    if shell == "bash":
        return shtab.complete(_parser(), shell) + _BASH
    if shell == "fish":
        return shtab.complete(_parser(), shell) + _FISH
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
