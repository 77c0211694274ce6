from host.settings import *  # noqa: F403

ROOT_URLCONF = "backup_urls"
