"""The command `strongroom`: work with repositories without Django."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom import exit_codes
from strongroom.cli.output import print_error
from strongroom.cli.parser import build_parser
from strongroom.errors import StrongroomError
from strongroom.terminal import guarded_stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return its exit code."""
    with guarded_stdout():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except StrongroomError as error:
        print_error(f"error: {error}")
        return exit_codes.of_error(error)
    except KeyboardInterrupt:
        print_error("interrupted; existing snapshots are unchanged")
        return exit_codes.INTERRUPTED
    return code
