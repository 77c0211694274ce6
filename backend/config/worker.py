"""The worker of the web server in the image."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # it comes without types
    """Speaks ASGI, and does not wait for listeners to events when it is told to end: they come again by themselves.

    Of X-Forwarded-For it takes nothing, in which whoever asks can write an address: it is that of the connection.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        **UvicornWorker.CONFIG_KWARGS,
        "lifespan": "off",
        "proxy_headers": False,
        "timeout_graceful_shutdown": 5,
    }
