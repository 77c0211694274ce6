from host.common import *  # noqa: F403
from host.common import BASE_DIR

HOST_FOLDERS = [BASE_DIR / "media", BASE_DIR / "storage"]
