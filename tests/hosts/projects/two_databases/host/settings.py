from host.common import *  # noqa: F403

DATABASE_ROUTERS = ["host.routers.Shapes"]
