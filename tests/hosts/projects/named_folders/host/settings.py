from host.common import *  # noqa: F403
from host.common import BASE_DIR

INBOX_DIR = BASE_DIR / "inbox"
SEARCH = {"default": {"ENGINE": "whoosh", "PATH": str(BASE_DIR / "index")}}
CONFIGURATION_DIR = BASE_DIR / "configuration"
HOST_FOLDERS = [BASE_DIR / "media", INBOX_DIR]
