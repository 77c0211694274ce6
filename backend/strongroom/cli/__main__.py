"""Run the command as `python -m strongroom.cli`, without installing it."""

import sys

from strongroom.cli import main

sys.exit(main())
