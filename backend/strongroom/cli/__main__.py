"""`python -m strongroom.cli`, where the command itself is not installed."""

import sys

from strongroom.cli import main

sys.exit(main())
