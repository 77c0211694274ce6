"""The command `strongroom`: repositories by hand, with no Django anywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from strongroom import exit_codes
from strongroom.cli.output import complain
from strongroom.cli.parser import build_parser
from strongroom.errors import StrongroomError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except StrongroomError as error:
        complain(f"error: {error}")
        return exit_codes.of_error(error)
    except KeyboardInterrupt:
        complain("interrupted; what was stored before is untouched")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code
