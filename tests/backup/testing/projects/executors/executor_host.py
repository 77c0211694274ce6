"""The EDMS of this repository with the settings in which hosts differ, as JSON in the environment."""

import json
import os

from config.settings import *  # noqa: F403
from config.settings import DATABASES

DATABASES |= json.loads(os.environ.get("HOST_DATABASES", "{}"))
globals().update(json.loads(os.environ.get("HOST_SETTINGS", "{}")))
