from host.common import *  # noqa: F403

USE_TZ = False
TIME_ZONE = "Europe/Berlin"
