from host.common import *  # noqa: F403
