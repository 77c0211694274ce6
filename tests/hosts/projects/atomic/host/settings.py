from host.common import *  # noqa: F403
from host.common import DATABASES

for database in DATABASES.values():
    database.update(ATOMIC_REQUESTS=True, CONN_MAX_AGE=600)
