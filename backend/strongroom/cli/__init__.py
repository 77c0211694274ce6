"""The command `strongroom`: work with repositories without Django."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from strongroom import exit_codes
from strongroom.cli.output import print_error
from strongroom.cli.parser import build_parser
from strongroom.errors import StrongroomError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except StrongroomError as error:
        print_error(f"error: {error}")
        return exit_codes.of_error(error)
    except KeyboardInterrupt:
        print_error("interrupted; existing snapshots are unchanged")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has ended, such as `head`. Python would report it again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code
