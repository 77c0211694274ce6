from host.common import *  # noqa: F403
from host.common import MIDDLEWARE

MIDDLEWARE = ["compression_middleware.middleware.CompressionMiddleware", *MIDDLEWARE]
