"""Completion scripts for shells, made from the parser of the command."""

from __future__ import annotations

import argparse

import shtab

from strongroom import exit_codes
from strongroom.cli.output import print_line

SHELLS = ("bash", "zsh", "fish")


def completes_folders(action: argparse.Action) -> None:
    """Make the shell complete folders for an argument."""
    action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def completes_files(action: argparse.Action) -> None:
    """Make the shell complete files for an argument."""
    action.complete = shtab.FILE  # type: ignore[attr-defined]


def completion(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the completion script of a shell."""
    print_line(shtab.complete(parser, options.shell).rstrip("\n"))
    return exit_codes.OK
